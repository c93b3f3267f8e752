"""The world before the collection arrives: a primary region that serves, and what a dr region has from before."""
