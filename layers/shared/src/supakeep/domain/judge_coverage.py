"""Says of each object of a project whether a backup holds it, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from supakeep.domain.bucket_coverage import judge_bucket
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.project_coverage import EVERYTHING, CoverageState, Judged
from supakeep.domain.project_object import ObjectKind, ProjectObject
from supakeep.domain.users import AUTH_SCHEMA, is_users_table

_ROWS = (ObjectKind.TABLE, ObjectKind.PARTITION)
_NEVER: dict[ObjectKind, str] = {
    ObjectKind.ROLE: "roles belong to the server and have passwords; create it in the new project",
    ObjectKind.CRON_JOB: "pg_cron keeps its jobs in a table of its own; keep the call of cron.schedule",
    ObjectKind.VAULT_SECRET: "the vault's key stays in the project; keep the secret elsewhere",
}
# no database and no Data API shows these
_UNSEEN = (
    (ObjectKind.EDGE_FUNCTION, "the database does not show them; keep them in a repository"),
    (ObjectKind.AUTH_SETTING, "the database does not show them; keep them in supabase/config.toml"),
)


def judged_objects(
    objects: Sequence[ProjectObject], manifest: Manifest, policy: BackupPolicy, *, sees_all: bool
) -> Iterator[Judged]:
    """What `manifest` holds of `objects`; without `sees_all` these are only what the Data API shows."""
    entries = _entries(manifest)
    for one in objects:
        if one.managed:
            continue
        yield (
            _of_rows(one, entries, policy) if one.kind in _ROWS else _judge(one, manifest, policy)
        )
    yield _of_users(manifest, policy, sees_all=sees_all)
    yield _of_definitions(manifest)
    if not sees_all:
        yield _of_unseen_buckets(manifest, policy)
    for kind, why in _UNSEEN:
        yield _not_supported(kind, EVERYTHING, why, is_expected=True)


def _judge(one: ProjectObject, manifest: Manifest, policy: BackupPolicy) -> Judged:
    if one.kind is ObjectKind.BUCKET:
        return judge_bucket(one.name, policy.backup.files, manifest.files)
    if one.kind in _NEVER:
        return _not_supported(one.kind, one.name, _NEVER[one.kind])
    if one.kind is ObjectKind.FOREIGN_TABLE:
        return _not_supported(one.kind, one.name, "its rows are in another database")
    if one.kind is ObjectKind.SEQUENCE and one.root is None:
        why = "no backup holds its value, and no column shows it; set it again with setval"
        return _not_supported(one.kind, one.name, why)
    state = _of_definitions(manifest)
    return Judged(kind=one.kind, name=one.name, state=state.state, why=state.why)


def _entries(manifest: Manifest) -> Mapping[str, TableEntry]:
    """By schema and name, whatever the manifest calls a table whose name another one shares."""
    tables = [(entry.table, entry) for entry in manifest.tables]
    return {f"{table.schema_name}.{table.name}": entry for table, entry in tables}


def _of_rows(one: ProjectObject, entries: Mapping[str, TableEntry], policy: BackupPolicy) -> Judged:
    entry = entries.get(one.root or one.name) or entries.get(one.name)
    if entry is not None:
        if entry.status is TableStatus.COMPLETE:
            return Judged(kind=one.kind, name=one.name, state=CoverageState.BACKED_UP)
        why = entry.error.message if entry.error else "it could not be exported"
        return Judged(kind=one.kind, name=one.name, state=CoverageState.FAILED, why=why)
    excluded = policy.backup.excludes(one.name.partition(".")[2], one.name)
    return Judged(
        kind=one.kind,
        name=one.name,
        state=CoverageState.CONFIGURED_OUT,
        why="exclude of [backup] names it" if excluded else "it is not in the policy",
        is_expected=excluded,
    )


def _of_users(manifest: Manifest, policy: BackupPolicy, *, sees_all: bool) -> Judged:
    kind, name = ObjectKind.USERS, AUTH_SCHEMA
    if not sees_all:
        return _not_supported(kind, name, "the Data API does not show them; set SUPABASE_DB_URL")
    if not policy.backup.auth:
        why = "auth = false under [backup]"
        state = CoverageState.CONFIGURED_OUT
        return Judged(kind=kind, name=name, state=state, why=why, is_expected=True)
    problem = manifest.users_problem
    failed = [
        entry.error
        for entry in manifest.tables
        if entry.status is TableStatus.FAILED
        and is_users_table(entry.table.schema_name, entry.table.name)
    ]
    problem = problem or next(filter(None, failed), None)
    if problem is not None:
        return Judged(kind=kind, name=name, state=CoverageState.FAILED, why=problem.message)
    return Judged(kind=kind, name=name, state=CoverageState.BACKED_UP)


def _of_definitions(manifest: Manifest) -> Judged:
    kind, name = ObjectKind.DEFINITIONS, EVERYTHING
    if manifest.definitions is None:
        return _not_supported(kind, name, "the Data API does not show them; set SUPABASE_DB_URL")
    problem = manifest.definitions.problem
    if problem is not None:
        return Judged(kind=kind, name=name, state=CoverageState.FAILED, why=problem.message)
    return Judged(kind=kind, name=name, state=CoverageState.BACKED_UP)


def _of_unseen_buckets(manifest: Manifest, policy: BackupPolicy) -> Judged:
    if not policy.backup.files.takes_any:
        return Judged(
            kind=ObjectKind.BUCKET,
            name=EVERYTHING,
            state=CoverageState.CONFIGURED_OUT,
            why="[backup.files] names no bucket",
        )
    patterns = str(policy.backup.files)
    judged = judge_bucket(policy.backup.files.buckets[0], policy.backup.files, manifest.files)
    return judged.model_copy(update={"name": patterns})


def _not_supported(kind: ObjectKind, name: str, why: str, *, is_expected: bool = False) -> Judged:
    state = CoverageState.NOT_SUPPORTED
    return Judged(kind=kind, name=name, state=state, why=why, is_expected=is_expected)
