"""Check everything around a project: each check by itself, whatever becomes of the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from supakeep.domain.backup_name import FOLDER, ObjectName
from supakeep.domain.engine import Engine
from supakeep.domain.health import (
    Check,
    check_age,
    check_clock,
    check_copies,
    check_future,
    check_keys,
    check_lease,
    check_leftovers,
    check_schedule,
    check_signing,
    check_size,
    check_tables,
    check_untrusted,
    check_whole,
)
from supakeep.domain.plan import named_schemas, plan_backup
from supakeep.domain.schedule import Schedule
from supakeep.errors import FunctionsMissingError, SupakeepError
from supakeep.ports import ApiKeyStore, ObjectStore, Progress
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.project import Project
from supakeep.usecases.survey_project import survey_project

_LEFTOVER_AGE = dt.timedelta(days=1)


@dataclass(frozen=True)
class CheckProject:
    """`server_time` asks the project's server for the present moment; `shares_runs` is whether other
    machines see the runs that `project` records. `api_keys` is None where no table of them is named.
    """

    project: Project
    server_time: Callable[[], dt.datetime]
    schedules: Sequence[Schedule]
    max_age_hours: int
    shares_runs: bool
    progress: Progress
    api_keys: ApiKeyStore | None = None

    def __call__(self) -> list[Check]:
        return list(self._checks())

    def _checks(self) -> Iterator[Check]:
        self.progress.phase("asking the database")
        yield from self._database()
        yield self._guarded("clock", self._clock)
        self.progress.phase("asking the stores")
        yield from self._stores()
        keyring = self.project.keyring
        hashed = [entry.qualified_name for entry in self.project.policy.table if entry.hashed]
        yield check_signing(None if keyring is None else keyring.key_id, hashed)
        if self.api_keys is not None:
            yield self._guarded("keys", partial(self._keys, self.api_keys))
        self.progress.phase("reading the backups")
        yield from self._backups()

    def _database(self) -> Iterator[Check]:
        project = self.project
        try:
            with project.database.snapshot(lambda schema, table: False) as snapshot:  # noqa: ARG005
                catalog = snapshot.catalog()
                left_out = snapshot.left_out(named_schemas(project.policy))
        except FunctionsMissingError as exc:
            yield Check.ok("database", "it answers")
            yield Check.failed("functions", exc)
            return
        except SupakeepError as exc:
            yield Check.failed("database", exc)
            return
        version = catalog.server_version
        yield Check.ok(
            "database", f"PostgreSQL {version}, through the engine {project.engine.name}"
        )
        yield _functions(project.engine)
        plan = plan_backup(project.policy, catalog, project.clock.now(), project.engine, left_out)
        yield check_tables(plan)

    def _clock(self) -> Check:
        return check_clock(self.project.clock.now(), self.server_time())

    def _stores(self) -> Iterator[Check]:
        yield self._guarded("storage", lambda: _bucket("storage", self.project.primary))
        for store in self.project.copies:
            yield self._guarded(store.name, partial(_bucket, store.name, store))
        if not self.project.copies and self.project.has_storage:
            advice = "Set MIRROR_S3_BUCKET: backups in Storage die with the project."
            yield Check.warn("mirror", "there is none: every backup is in one place only", advice)

    def _keys(self, store: ApiKeyStore) -> Check:
        return check_keys(store.list_all(), self.project.clock.now())

    def _backups(self) -> Iterator[Check]:
        stores = every_store(self.project)
        try:
            situation = survey_project(self.project, stores, self.schedules, self.max_age_hours)
        except SupakeepError as exc:
            yield Check.failed("newest backup", exc)
            return
        yield check_age(situation)
        for check in (check_whole, check_copies, check_size):
            if found := check(situation):
                yield found
        yield from check_untrusted(situation)
        if future := check_future(situation):
            yield future
        yield self._guarded("leftovers", lambda: self._leftovers(stores))
        yield check_lease(situation.running, is_shared=self.shares_runs)
        yield check_schedule(situation)

    def _leftovers(self, stores: Sequence[ObjectStore]) -> Check:
        before = self.project.clock.now() - _LEFTOVER_AGE
        return check_leftovers(
            {store.name: _without_manifest(store, self.project.ref, before) for store in stores}
        )

    def _guarded(self, name: str, check: Callable[[], Check]) -> Check:
        try:
            return check()
        except SupakeepError as exc:
            return Check.failed(name, exc)


def _functions(engine: Engine) -> Check:
    if engine.needs_functions:
        return Check.ok("functions", "the database's functions are of this version")
    return Check.ok("functions", "not needed by this engine")


def _bucket(name: str, store: ObjectStore) -> Check:
    store.require_private()
    next(iter(store.list(f"{FOLDER}/")), None)
    return Check.ok(name, "it answers, and it is private")


def _without_manifest(store: ObjectStore, project: str, before: dt.datetime) -> list[str]:
    """The names of backups of which the store holds old objects, but no manifest."""
    newest: dict[str, dt.datetime] = {}
    complete: set[str] = set()
    for stored in store.list(f"{FOLDER}/backup_{project}_"):
        parsed = ObjectName.parse(stored.key)
        if parsed is None or parsed.is_pin:
            continue
        name = parsed.backup.text
        if parsed.is_manifest:
            complete.add(name)
        newest[name] = max(stored.modified_at, newest.get(name, stored.modified_at))
    return [name for name in sorted(newest) if name not in complete and newest[name] < before]
