"""Databases that are backed up and restored: two engines behind one port."""
