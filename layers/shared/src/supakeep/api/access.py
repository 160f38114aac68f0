"""Who is calling, by the key that was sent."""

from __future__ import annotations

import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

from supakeep.api.routes import CRON_PATH
from supakeep.domain.actor import Actor
from supakeep.domain.api_key import ApiKey, Scope, grants, key_that_is
from supakeep.errors import ForbiddenError, UnauthorizedError, WrongKeysError
from supakeep.ports import ApiKeyStore, Clock
from supakeep.settings import Settings

# a key that is revoked opens nothing after this long
_KNOWN_SECONDS = 30.0
# a key that is new is looked for no more often than this, whoever asks
_MISSED_SECONDS = 5.0

_FREE_TRIES = 5
_LONGEST_WAIT_SECONDS = 900.0
_MOST_ADDRESSES = 1000


class KeyedProject(Protocol):
    """As much of a project as is needed to know who is calling."""

    @property
    def settings(self) -> Settings: ...
    @property
    def api_keys(self) -> ApiKeyStore: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True)
class Caller:
    """Whoever sent a right key: its name, what it is good for, and where the request came from."""

    name: str
    scopes: frozenset[Scope]
    address: str

    @property
    def actor(self) -> Actor:
        return Actor(name=self.name, via="the HTTP API", address=self.address)

    def may(self, scope: Scope) -> bool:
        return grants(self.scopes, scope)

    def require(self, scope: Scope) -> None:
        """Raises ForbiddenError where the key is not good for this."""
        if not self.may(scope):
            raise ForbiddenError(self.name, scope)


class Callers:
    """Finds out who is calling. What it knows of keys and of wrong ones is kept for the requests that
    this execution environment answers later.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._known = _KnownKeys(monotonic)
        self._wrong = _WrongKeys(monotonic)

    def identify(self, event: Mapping[str, Any], path: str, project: KeyedProject) -> Caller:
        """Raises UnauthorizedError, the same for a wrong key, a missing one, and none configured; and
        WrongKeysError for a wrong one from an address that has sent too many.
        """
        given, address = _bearer(event), address_of(event)
        caller = self._caller(given, path, address, project)
        if caller is None:
            if given:
                self._wrong.count(address)
            raise UnauthorizedError
        return caller

    def _caller(self, given: str, path: str, address: str, project: KeyedProject) -> Caller | None:
        settings = project.settings
        if path.startswith(CRON_PATH):
            if _is(given, settings.cron_secret):
                return Caller("CRON_SECRET", frozenset({Scope.BACKUP}), address)
            return None
        # first, so that this one needs no table
        if _is(given, settings.admin_key):
            return Caller("ADMIN_KEY", frozenset({Scope.ADMIN}), address)
        key = self._known.find(given, project) if given else None
        return None if key is None else Caller(key.name, frozenset(key.scopes), address)


def address_of(event: Mapping[str, Any]) -> str:
    """Where a request came from, as API Gateway saw it."""
    return str(event["requestContext"]["http"].get("sourceIp", "unknown"))


def _bearer(event: Mapping[str, Any]) -> str:
    """The key in the header Authorization; an empty text where there is none."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _is(given: str, wanted: SecretStr | None) -> bool:
    secret = wanted.get_secret_value() if wanted else ""
    # compared even where nothing can match, so that the time gives nothing away
    return hmac.compare_digest(given.encode(), secret.encode()) and bool(secret)


class _KnownKeys:
    """The recorded keys, read again when they are too old, or lack one that is asked for."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._keys: Sequence[ApiKey] = ()
        self._read_at = -math.inf

    def find(self, given: str, project: KeyedProject) -> ApiKey | None:
        self._read_if_older_than(_KNOWN_SECONDS, project.api_keys)
        key = key_that_is(given, self._keys)
        if key is None:
            self._read_if_older_than(_MISSED_SECONDS, project.api_keys)
            key = key_that_is(given, self._keys)
        return key if key and key.state_at(project.clock.now()) == "valid" else None

    def _read_if_older_than(self, seconds: float, store: ApiKeyStore) -> None:
        now = self._monotonic()
        if now - self._read_at > seconds:
            # what cannot be read raises: an old list could hold a key that was revoked since
            self._keys = store.list_all()
            self._read_at = now


class _WrongKeys:
    """Makes an address that sends wrong keys wait, longer each time. Only wrong keys wait: whoever
    shares the address with a stranger, behind one router, still gets in with a right one.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        # how many wrong keys, and until when it has to wait; the address that tried last is the last
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def count(self, address: str) -> None:
        """Counts a wrong key. Raises WrongKeysError where the address has to wait."""
        now = self._monotonic()
        tries, until = self._tries.get(address, (0, -math.inf))
        if now < until:
            raise WrongKeysError(math.ceil(until - now))
        if now - until > _LONGEST_WAIT_SECONDS:
            tries = 0
        tries += 1
        self._remember(address, tries, now + _wait_seconds(tries))

    def _remember(self, address: str, tries: int, until: float) -> None:
        self._tries[address] = (tries, until)
        self._tries.move_to_end(address)
        if len(self._tries) > _MOST_ADDRESSES:
            self._tries.popitem(last=False)


def _wait_seconds(tries: int) -> float:
    if tries < _FREE_TRIES:
        return 0.0
    return min(_LONGEST_WAIT_SECONDS, 2.0 ** min(tries - _FREE_TRIES, 20))
