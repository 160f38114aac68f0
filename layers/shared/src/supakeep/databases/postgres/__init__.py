"""The `postgres` engine: PostgreSQL's own protocol, one snapshot, one transaction."""
