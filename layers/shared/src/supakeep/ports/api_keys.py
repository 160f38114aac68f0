"""Where the keys of the HTTP API are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supakeep.domain.api_key import ApiKey


class ApiKeyStore(Protocol):
    """The records of one project's keys. None is ever removed, so a name means one key for ever."""

    def add(self, key: ApiKey) -> bool:
        """Records a new key; False, and nothing recorded, where its name is taken."""
        ...

    def replace(self, key: ApiKey) -> None:
        """Records what became of a key that is there. Raises ApiKeyNotFoundError where none has its name."""
        ...

    def list_all(self) -> Sequence[ApiKey]:
        """Every key, by name. One whose record cannot be read is left out and logged: it opens nothing."""
        ...
