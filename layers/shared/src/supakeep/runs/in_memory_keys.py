"""Keys only in this process: where no table is named, there are none."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.domain.api_key import ApiKey
from supakeep.errors import ApiKeyNotFoundError


class InMemoryApiKeyStore:
    """Forgotten when the process ends, and unknown to any other."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> bool:
        return self._keys.setdefault(key.name, key) is key

    def replace(self, key: ApiKey) -> None:
        if key.name not in self._keys:
            raise ApiKeyNotFoundError(key.name)
        self._keys[key.name] = key

    def list_all(self) -> Sequence[ApiKey]:
        return [self._keys[name] for name in sorted(self._keys)]
