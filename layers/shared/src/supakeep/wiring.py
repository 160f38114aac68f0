"""The composition root: builds adapters from settings and hands them to the use cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import BackupStatus, Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.run import Run, RunStatus
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ConfigurationError, InvalidRequestError
from supakeep.ports import (
    Clock,
    Database,
    Deadline,
    Dispatcher,
    ObjectStore,
    Progress,
    RunStore,
)
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.settings import SECRET_NAMES, Settings
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.system import NoDeadline, SystemClock
from supakeep.usecases.create_backup import CreateBackup, choose_name
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.prune_backups import PruneBackups, PruneReport
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.track_runs import Outcome, RunProgress, TrackRuns


class Application:
    """The use cases of one project, ready to run. Everything is built when it is first needed: a
    path that does not touch S3 does not import its client.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        # told of progress beside the run's record
        self.watcher: Progress | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Application:
        """Where SECRET_ID is set, the keys in that secret take the place of the environment's."""
        values = dict(environment)
        if secret_id := values.get("SECRET_ID", "").strip():
            from supakeep.aws.secrets import read_secret

            secret = read_secret(_aws_client("secretsmanager"), secret_id)
            values.update({name: secret[name] for name in SECRET_NAMES if name in secret})
        return cls(Settings.from_environment(values))

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
            self.settings.db_url.get_secret_value(), connections=self.settings.db_connections
        )

    @cached_property
    def primary(self) -> ObjectStore:
        """Storage; for a project of which only the database is known, the S3 bucket."""
        if self.settings.supabase_url is None and self.settings.mirror_s3_bucket is not None:
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
                hint="Set it and SUPABASE_SERVICE_ROLE_KEY, or name another destination: "
                "--to FOLDER, --to s3://bucket, MIRROR_S3_BUCKET.",
            )
        return url, key.get_secret_value()

    @cached_property
    def mirror(self) -> ObjectStore | None:
        bucket = self.settings.mirror_s3_bucket
        has_storage = self.settings.supabase_url is not None
        return s3_store(bucket, name="mirror") if bucket and has_storage else None

    @property
    def stores(self) -> list[ObjectStore]:
        return [self.primary, *([self.mirror] if self.mirror else [])]

    def copies(self, name: str | None) -> list[ObjectStore]:
        """The store of this name (`primary`, `mirror`) alone; all of them for None."""
        chosen = [store for store in self.stores if name in (None, store.name)]
        if chosen:
            return chosen
        raise InvalidRequestError(
            "No mirror is configured",
            operation="read settings",
            key="MIRROR_S3_BUCKET",
            hint="Set MIRROR_S3_BUCKET, or name the bucket: --from s3://bucket.",
        )

    @property
    def keeps_undo_beside_backup(self) -> bool:
        """Without Storage, the tables are backed up before a restore to where its backup is."""
        return self.settings.supabase_url is None

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

    @property
    def runs(self) -> TrackRuns:
        return TrackRuns(self.run_store, self.clock, self.watcher)

    def choose_backup_name(
        self, *, scheduled: bool, store: ObjectStore | None = None
    ) -> BackupName:
        return choose_name(
            store or self.primary, self.settings.project_ref, self.clock.now(), scheduled=scheduled
        )

    def backup(
        self,
        run: Run,
        *,
        scheduled: bool = False,
        deadline: Deadline | None = None,
        folder: ObjectStore | None = None,
    ) -> Run:
        """Carries out a backup run: into `folder` where given, else into Storage and the mirror."""

        def work(progress: RunProgress) -> Outcome:
            # a name belongs to one attempt: the last one's volumes may lie under it
            name = (
                BackupName.parse(run.backup)
                if run.backup and progress.run.attempt == 1
                else self.choose_backup_name(scheduled=scheduled, store=folder)
            )
            progress.name_backup(name.text)
            create = self._create_backup(progress, self.policy, folder=folder, deadline=deadline)
            manifest = create(name, Trigger(run.trigger))
            return _backup_outcome(manifest, create)

        return self.runs.execute(run, work)

    def _create_backup(
        self,
        progress: RunProgress,
        policy: BackupPolicy,
        *,
        folder: ObjectStore | None,
        deadline: Deadline | None,
    ) -> CreateBackup:
        return CreateBackup(
            source=self.database,
            primary=folder or self.primary,
            mirror=None if folder else self.mirror,
            policy=policy,
            project=self.settings.project_ref,
            max_object_bytes=self.settings.max_object_bytes,
            clock=self.clock,
            deadline=deadline or NoDeadline(),
            progress=progress,
            run_id=progress.run.id,
        )

    def find(self, name: str, stores: list[ObjectStore] | None = None) -> BackupReader:
        return find_backup(
            stores or self.stores, name, self.settings.project_ref, now=self.clock.now()
        )

    def restore(
        self,
        run: Run,
        request: RestoreRequest,
        *,
        deadline: Deadline | None = None,
        stores: list[ObjectStore] | None = None,
    ) -> Run:
        """Carries out a restore run from the first of `stores` that holds the backup in order."""

        def work(progress: RunProgress) -> Outcome:
            reader = self.find(request.name, stores or self.copies(request.read_from))
            progress.name_backup(reader.manifest.backup)
            folder = reader.stores[0] if self.keeps_undo_beside_backup else None

            def safeguard(tables: Sequence[str]) -> Manifest:
                policy = BackupPolicy.of_tables(tables)
                create = self._create_backup(progress, policy, folder=folder, deadline=deadline)
                name = self.choose_backup_name(scheduled=False, store=folder)
                return create(name, Trigger.PRE_RESTORE)

            restore = RestoreBackup(
                target=self.database,
                project=self.settings.project_ref,
                destination=self.settings.destination,
                deadline=deadline or NoDeadline(),
                progress=progress,
                safeguard=safeguard if self.database.engine.can_undo else None,
            )
            report = restore(request, reader)
            return Outcome(_restore_status(report), report.model_dump(mode="json"))

        return self.runs.execute(run, work)

    def prune(
        self,
        run: Run,
        *,
        dry_run: bool,
        deadline: Deadline | None = None,
        stores: list[ObjectStore] | None = None,
    ) -> Run:
        """Carries out a prune run over every store."""

        def work(_: RunProgress) -> Outcome:
            report = self.prune_report(dry_run=dry_run, deadline=deadline, stores=stores)
            status = RunStatus.COMPLETE if report.is_whole else RunStatus.PARTIAL
            return Outcome(status, report.model_dump(mode="json"))

        return self.runs.execute(run, work)

    def prune_report(
        self,
        *,
        dry_run: bool,
        deadline: Deadline | None = None,
        stores: list[ObjectStore] | None = None,
    ) -> PruneReport:
        prune = PruneBackups(
            policy=self.policy.retention,
            project=self.settings.project_ref,
            clock=self.clock,
            deadline=deadline or NoDeadline(),
            in_use=self.runs.backups_in_use(),
        )
        return prune(stores or self.stores, dry_run=dry_run)


def s3_store(bucket: str, *, name: str) -> ObjectStore:
    """An S3 bucket as a store, with the credentials that boto3 finds by itself."""
    from supakeep.stores.s3 import S3ObjectStore

    # a mirror that hangs must leave the backup time to end: two attempts here, and none in boto3
    client = _aws_client("s3", attempts=1, read_seconds=30)
    return RetryingObjectStore(S3ObjectStore(client, bucket, name=name), attempts=2)


def store_at(place: str) -> ObjectStore:
    """The store at `s3://bucket`, or in a local folder."""
    if place.startswith("s3://"):
        return s3_store(place.removeprefix("s3://").rstrip("/"), name=place)
    from supakeep.stores.folder import FolderObjectStore

    return FolderObjectStore(Path(place))


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


def _backup_outcome(manifest: Manifest, create: CreateBackup) -> Outcome:
    mirrored = create.mirror is not None and manifest.mirror_error is None
    locations = [create.primary.name, *([create.mirror.name] if create.mirror and mirrored else [])]
    complete = manifest.status is BackupStatus.COMPLETE
    return Outcome(
        RunStatus.COMPLETE if complete else RunStatus.PARTIAL,
        BackupSummary.of(manifest, locations).model_dump(mode="json"),
    )


def _restore_status(report: RestoreReport) -> RunStatus:
    return RunStatus.COMPLETE if report.is_whole else RunStatus.PARTIAL
