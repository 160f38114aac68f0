"""Object stores that hold backups."""
