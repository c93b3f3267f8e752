"""Two AWS regions on one machine, to try, train and test the collection on.  Never part of the built collection."""
