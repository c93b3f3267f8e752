"""Lambda functions of the lab: the real zip, in a process of its own."""
