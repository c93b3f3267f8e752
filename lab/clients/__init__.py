"""Clients as they are: one obeys the TTL, one keeps addresses for ever, one has a pool that holds dead connections."""
