"""The stores that hold backups, by their names."""

from __future__ import annotations

PRIMARY = "primary"
MIRROR = "mirror"
"""The copy in MIRROR_S3_BUCKET; it is the first of the copies."""
