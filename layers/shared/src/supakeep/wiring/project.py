"""The project that the settings describe, with its adapters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import verified
from supakeep.domain.copies import MIRROR, PRIMARY
from supakeep.domain.copy_policy import VARIABLE_PREFIX
from supakeep.domain.engine import POSTGRES, REST, Engine
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ConfigurationError
from supakeep.ports import (
    ApiKeyStore,
    Clock,
    Database,
    Dispatcher,
    Notifier,
    ObjectStore,
    ProjectFiles,
    RunStore,
    ScratchServer,
)
from supakeep.runs.folder import FolderRunStore
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from supakeep.settings import SECRET_NAMES, Settings
from supakeep.settings.signing import keyring_of
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.system import SystemClock
from supakeep.wiring.clients import FOR_WORK, Timeouts, aws_client
from supakeep.wiring.notices import notifier_of
from supakeep.wiring.places import copy_store, s3_store
from supakeep.wiring.scratch import scratch_server

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

    from supakeep.archive.encryption import Identities
    from supakeep.databases.postgres.database import PostgresDatabase
    from supakeep.domain.table_activity import TableActivity


class Adapters(TypedDict, total=False):
    """Adapters that take the place of those that the settings describe."""

    clock: Clock
    policy: BackupPolicy
    database: Database
    primary: ObjectStore
    copies: Sequence[ObjectStore]
    run_store: RunStore
    api_keys: ApiKeyStore
    dispatcher: Dispatcher
    notifier: Notifier
    scratch_server: ScratchServer
    files: ProjectFiles | None
    server_time: Callable[[], dt.datetime]
    table_activity: Callable[[], Mapping[str, TableActivity]]


class SupabaseProject:
    """The project that the settings describe. A path that does not touch S3 does not import its
    client, since everything is built when it is first needed.
    """

    def __init__(
        self,
        settings: Settings,
        timeouts: Timeouts = FOR_WORK,
        environment: Mapping[str, str] | None = None,
        **adapters: Unpack[Adapters],
    ) -> None:
        self.settings = settings
        self._environment = environment or {}
        self._timeouts = timeouts
        # a cached property that has a value is not computed
        self.__dict__.update(adapters)
        if "policy" in adapters:
            self.__dict__["policy"] = adapters["policy"].with_copies(settings.copies)
        if "primary" in adapters:
            self.__dict__["primary"] = verified(adapters["primary"], self.keyring)
        if "copies" in adapters:
            self.__dict__["copies"] = [verified(copy, self.keyring) for copy in adapters["copies"]]

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        timeouts: Timeouts = FOR_WORK,
        **adapters: Unpack[Adapters],
    ) -> Self:
        """Keys in the secrets that ADMIN_KEY_SECRET_ID, SIGNING_KEY_SECRET_ID and SECRET_ID name take
        precedence over the environment's, and those of the last over those of the others.
        """
        values = with_secrets(environment, timeouts)
        return cls(Settings.from_environment(values), timeouts, values, **adapters)

    @property
    def ref(self) -> str:
        return self.settings.project_ref

    @property
    def destination(self) -> str:
        return self.settings.destination

    @property
    def max_object_bytes(self) -> int:
        return self.settings.max_object_bytes

    @property
    def has_storage(self) -> bool:
        return self.settings.supabase_url is not None

    @property
    def engine(self) -> Engine:
        return REST if self.settings.db_url is None else POSTGRES

    def identities(self) -> Identities:
        """The keys of SUPAKEEP_IDENTITY_FILE or AGE_IDENTITY. Raises ConfigurationError."""
        from supakeep.settings.identity import identities_of

        text = self.settings.age_identity
        return identities_of(
            {
                "SUPAKEEP_IDENTITY_FILE": self.settings.identity_file or "",
                "AGE_IDENTITY": text.get_secret_value() if text else "",
            }
        )

    @cached_property
    def keyring(self) -> Keyring | None:
        keys = {
            "SIGNING_KEY": self.settings.signing_key,
            "SIGNING_KEYS_OLD": self.settings.signing_keys_old,
        }
        return keyring_of({name: key.get_secret_value() for name, key in keys.items() if key})

    @cached_property
    def clock(self) -> Clock:
        return SystemClock()

    @cached_property
    def policy(self) -> BackupPolicy:
        return self.settings.policy().with_copies(self.settings.copies)

    @cached_property
    def database(self) -> Database:
        """Postgres itself where its address is known, else the Data API."""
        if self.settings.db_url is None:
            from supakeep.databases.data_api.database import SupabaseRestDatabase

            return SupabaseRestDatabase(*self._project())
        return self._postgres(self.settings.db_url)

    def _postgres(self, url: SecretStr) -> PostgresDatabase:
        from supakeep.databases.postgres.database import PostgresDatabase

        return PostgresDatabase(
            url.get_secret_value(),
            connections=self.settings.db_connections,
            authority=self.settings.db_ca,
        )

    @cached_property
    def server_time(self) -> Callable[[], dt.datetime]:
        """Asks the project's server what time it is; raises as in SourceDatabase."""
        if self.settings.db_url is None:
            from supakeep.supabase_gateway import gateway_time

            url, _ = self._project()
            return partial(gateway_time, url)
        return self._postgres(self.settings.db_url).server_time

    @cached_property
    def table_activity(self) -> Callable[[], Mapping[str, TableActivity]]:
        """Asks PostgreSQL's statistics; nothing is known without the database's own address."""
        if self.settings.db_url is None:
            return dict
        return self._postgres(self.settings.db_url).table_activity

    @cached_property
    def primary(self) -> ObjectStore:
        """Storage; for a project of which only the database is known, the S3 bucket."""
        return verified(self._primary(), self.keyring)

    def _primary(self) -> ObjectStore:
        if not self.has_storage and self.settings.mirror_s3_bucket is not None:
            return s3_store(self.settings.mirror_s3_bucket, PRIMARY, self._timeouts)
        from supakeep.stores.supabase_storage import SupabaseObjectStore

        url, key = self._project()
        client = self._storage_client()
        store = SupabaseObjectStore(url, key, self.settings.backup_bucket, client=client)
        return RetryingObjectStore(store)

    def _storage_client(self) -> httpx.Client:
        from supakeep.stores.supabase_storage import storage_client

        return storage_client(
            connect_seconds=self._timeouts.connect_seconds,
            read_seconds=self._timeouts.storage_seconds,
        )

    def _project(self) -> tuple[str, str]:
        url, key = self.settings.supabase_url, self.settings.service_role_key
        if url is None or key is None:
            raise ConfigurationError(
                "NEXT_PUBLIC_SUPABASE_URL is not set",
                operation="read settings",
                key="NEXT_PUBLIC_SUPABASE_URL",
                hint="Set it and SUPABASE_SERVICE_ROLE_KEY, or say where backups are: MIRROR_S3_BUCKET, "
                "--to (backup) or --from (list, restore, …) with a folder or s3://bucket.",
            )
        return url, key.get_secret_value()

    @cached_property
    def copies(self) -> Sequence[ObjectStore]:
        bucket = self.settings.mirror_s3_bucket
        stores = []
        if bucket is not None and self.has_storage:
            stores.append(s3_store(bucket, MIRROR, self._timeouts))
        others = (copy for copy in self.policy.copies if copy.name != MIRROR)
        stores += [copy_store(copy, self.settings, self._timeouts) for copy in others]
        return [verified(store, self.keyring) for store in stores]

    @cached_property
    def files(self) -> ProjectFiles | None:
        if not self.has_storage:
            return None
        from supakeep.stores.supabase_files import SupabaseFiles

        return SupabaseFiles(
            *self._project(), self.settings.backup_bucket, client=self._storage_client()
        )

    @cached_property
    def run_store(self) -> RunStore:
        if self.settings.runs_table is None:
            folder = self.settings.runs_folder
            return InMemoryRunStore() if folder is None else FolderRunStore(folder / self.ref)
        from supakeep.runs.dynamodb import DynamoDbRunStore

        return DynamoDbRunStore(
            aws_client("dynamodb", self._timeouts),
            self.settings.runs_table,
            self.settings.project_ref,
        )

    @cached_property
    def api_keys(self) -> ApiKeyStore:
        """Keys beside ADMIN_KEY and CRON_SECRET; without a table there are none."""
        if self.settings.runs_table is None:
            return InMemoryApiKeyStore()
        from supakeep.runs.dynamodb_keys import DynamoDbApiKeyStore

        return DynamoDbApiKeyStore(
            aws_client("dynamodb", self._timeouts),
            self.settings.runs_table,
            self.settings.project_ref,
        )

    @cached_property
    def notifier(self) -> Notifier:
        """Who hears of runs."""
        return notifier_of(self._environment)

    @cached_property
    def scratch_server(self) -> ScratchServer:
        """Where drills restore to."""
        return scratch_server(self._environment)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        from supakeep.aws.dispatch import LambdaDispatcher

        this = self.settings.function_name
        # a function dispatches its own action to itself, and the backup function what follows a backup
        prune = self.settings.prune_function_name or this
        return LambdaDispatcher(
            aws_client("lambda", self._timeouts),
            {
                "backup": this,
                "restore": this,
                "prune": prune,
                "verify": this,
                "copy": this,
                "drill": self.settings.drill_function_name or this,
            },
        )


def with_secrets(environment: Mapping[str, str], timeouts: Timeouts = FOR_WORK) -> dict[str, str]:
    """The environment with the keys of the secrets that it names."""
    values = dict(environment)
    for setting in ("ADMIN_KEY_SECRET_ID", "SIGNING_KEY_SECRET_ID", "SECRET_ID"):
        if secret_id := values.get(setting, "").strip():
            from supakeep.aws.secrets import read_secret

            secret = read_secret(aws_client("secretsmanager", timeouts), secret_id)
            names = [*SECRET_NAMES, *(name for name in secret if name.startswith(VARIABLE_PREFIX))]
            values.update({name: secret[name] for name in names if secret.get(name)})
    return values
