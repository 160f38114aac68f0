"""`supakeep unpin`."""

from __future__ import annotations

from supakeep.cli.options import Name, Source
from supakeep.cli.pin import change_pins
from supakeep.cli.session import Session
from supakeep.usecases.pin_backup import unpin_backup


def run(session: Session, name: Name, source: Source = None) -> int:
    """Partial where a pin could not be removed."""
    return change_pins(
        session, source, name, lambda copies, backup: unpin_backup(backup, copies.stores)
    )
