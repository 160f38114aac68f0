"""The project that a use case is about, with everything around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supakeep.archive.encryption import Identities
from supakeep.archive.signature import Keyring
from supakeep.domain.engine import Engine
from supakeep.domain.policy import BackupPolicy
from supakeep.ports import Clock, Database, Dispatcher, ObjectStore, ProjectFiles, RunStore


class Project(Protocol):
    """One Supabase project and what surrounds it. An adapter is built when it is first asked for,
    and then raises ConfigurationError where the settings lack what it needs.
    """

    @property
    def ref(self) -> str: ...

    @property
    def destination(self) -> str:
        """What a restore into the project must be confirmed with: its ref, or its database."""
        ...

    @property
    def engine(self) -> Engine:
        """What `database` can do; asking builds no adapter."""
        ...

    @property
    def policy(self) -> BackupPolicy:
        """Which rows are backed up, and how long backups are kept."""
        ...

    @property
    def max_object_bytes(self) -> int:
        """No object that a backup writes is larger."""
        ...

    @property
    def has_storage(self) -> bool:
        """Whether the project's own Storage is the primary store. Without it, backups lie elsewhere."""
        ...

    def identities(self) -> Identities:
        """The private keys that open encrypted backups; often there are none. Raises
        ConfigurationError for what is no identity.
        """
        ...

    @property
    def keyring(self) -> Keyring | None:
        """What signs manifests, and what the stores' manifests are verified with; None without a key."""
        ...

    @property
    def clock(self) -> Clock: ...

    @property
    def database(self) -> Database: ...

    @property
    def primary(self) -> ObjectStore: ...

    @property
    def copies(self) -> Sequence[ObjectStore]:
        """The stores that hold a copy of each backup, in the order in which a restore asks them."""
        ...

    @property
    def files(self) -> ProjectFiles | None:
        """The files in the project's Storage; None where only its database is known."""
        ...

    @property
    def run_store(self) -> RunStore: ...

    @property
    def dispatcher(self) -> Dispatcher: ...
