"""Rebuilding a project in a database of its own."""
