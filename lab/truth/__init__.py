"""What really happened, as the lab saw it from inside: the record, and what follows from it.

Nothing here is imported from the collection, and the collection knows nothing of it: the record judges what the
collection measures from outside.
"""
