"""The composition root: builds adapters from settings, and knows no rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack, cast

from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ConfigurationError, InvalidRequestError
from supakeep.ports import Clock, Database, Dispatcher, ObjectStore, RunStore
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.settings import SECRET_NAMES, Settings
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.system import SystemClock


class Adapters(TypedDict, total=False):
    """Adapters that take the place of those that the settings describe."""

    clock: Clock
    policy: BackupPolicy
    database: Database
    primary: ObjectStore
    mirror: ObjectStore | None
    run_store: RunStore
    dispatcher: Dispatcher


class SupabaseProject:
    """The project that the settings describe. A path that does not touch S3 does not import its
    client, since everything is built when it is first needed.
    """

    def __init__(self, settings: Settings, **adapters: Unpack[Adapters]) -> None:
        self.settings = settings
        # a cached property that has a value is not computed
        self.__dict__.update(adapters)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **adapters: Unpack[Adapters]) -> Self:
        """Where SECRET_ID is set, the keys in that secret take the place of the environment's."""
        values = dict(environment)
        if secret_id := values.get("SECRET_ID", "").strip():
            from supakeep.aws.secrets import read_secret

            secret = read_secret(_aws_client("secretsmanager"), secret_id)
            values.update({name: secret[name] for name in SECRET_NAMES if name in secret})
        return cls(Settings.from_environment(values), **adapters)

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

    @cached_property
    def clock(self) -> Clock:
        return SystemClock()

    @cached_property
    def policy(self) -> BackupPolicy:
        return self.settings.policy()

    @cached_property
    def database(self) -> Database:
        """Postgres itself where its address is known, else the Data API."""
        if self.settings.db_url is None:
            from supakeep.databases.data_api.database import SupabaseRestDatabase

            return SupabaseRestDatabase(*self._project())
        from supakeep.databases.postgres.database import PostgresDatabase

        return PostgresDatabase(
            self.settings.db_url.get_secret_value(),
            connections=self.settings.db_connections,
            authority=self.settings.db_ca,
        )

    @cached_property
    def primary(self) -> ObjectStore:
        """Storage; for a project of which only the database is known, the S3 bucket."""
        if not self.has_storage and self.settings.mirror_s3_bucket is not None:
            return s3_store(self.settings.mirror_s3_bucket, name="primary")
        from supakeep.stores.supabase_storage import SupabaseObjectStore

        url, key = self._project()
        return RetryingObjectStore(SupabaseObjectStore(url, key, self.settings.backup_bucket))

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
    def mirror(self) -> ObjectStore | None:
        bucket = self.settings.mirror_s3_bucket
        return s3_store(bucket, name="mirror") if bucket and self.has_storage else None

    @cached_property
    def run_store(self) -> RunStore:
        if self.settings.runs_table is None:
            return InMemoryRunStore()
        from supakeep.runs.dynamodb import DynamoDbRunStore

        return DynamoDbRunStore(
            _aws_client("dynamodb"), self.settings.runs_table, self.settings.project_ref
        )

    @cached_property
    def dispatcher(self) -> Dispatcher:
        from supakeep.aws.dispatch import LambdaDispatcher

        this = self.settings.function_name
        # a function dispatches its own action to itself, and only the backup function a prune
        prune = self.settings.prune_function_name or this
        return LambdaDispatcher(
            _aws_client("lambda"), {"backup": this, "restore": this, "prune": prune}
        )


def s3_store(bucket: str, *, name: str) -> ObjectStore:
    """An S3 bucket as a store, with the credentials that boto3 finds by itself."""
    from supakeep.stores.s3 import S3ObjectStore

    # a mirror that hangs must leave the backup time to end; what is repeated is repeated here only
    client = _aws_client("s3", attempts=1, read_seconds=30)
    return RetryingObjectStore(S3ObjectStore(client, bucket, name=name))


def store_at(place: str) -> ObjectStore:
    """The store at `s3://bucket`, or in a local folder."""
    if place.startswith("s3://"):
        return s3_store(place.removeprefix("s3://").rstrip("/"), name=place)
    from supakeep.stores.folder import FolderObjectStore

    folder = Path(place)
    if folder.exists() and not folder.is_dir():
        # said now, and not after every table was read
        raise InvalidRequestError(
            f"{place} is a file, and --to and --from take a folder",
            operation="open folder",
            key=place,
            hint="Name its folder, or another one; a folder that is missing is made.",
        )
    return FolderObjectStore(folder)


def _aws_client(service: str, *, attempts: int = 3, read_seconds: int = 60) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=5,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    try:
        return cast(Any, boto3).client(service, config=config)
    except BotoCoreError as exc:
        raise ConfigurationError(
            f"AWS is not set up: {exc}",
            operation="read settings",
            key=service,
            hint="Set AWS_REGION and credentials (AWS_PROFILE, or aws configure).",
        ) from exc
