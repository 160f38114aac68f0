"""Writing a backup into a database."""
