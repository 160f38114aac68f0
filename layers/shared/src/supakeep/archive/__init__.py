"""The backup format: its layout, how it is written and how it is read (docs/format.md)."""
