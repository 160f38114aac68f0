"""Reading a database for a backup."""
