"""The built functions in the real Lambda runtime."""
