"""What stands behind the emulated cloud: PostgreSQL with replication, the application, and name resolution."""
