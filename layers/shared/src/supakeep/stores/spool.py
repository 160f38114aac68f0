"""Where the content of an object waits for its upload."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast


def temporary_spool() -> BinaryIO:
    """An empty file without a name in the temporary folder: for a store across the network."""
    return cast(BinaryIO, tempfile.TemporaryFile(prefix="supakeep-volume-"))
