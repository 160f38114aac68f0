"""Builds domain objects with defaults, so that a test names only what it is about."""
