"""Child processes, their ports and their locks."""
