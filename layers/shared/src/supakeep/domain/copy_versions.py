"""Stores that hold different backups under one name: only a person can say which one is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from supakeep.domain.manifest import BackupStatus, Manifest, TableStatus
from supakeep.errors import CopiesDifferError

# what a store's manifest may say by itself: each was written when other copies were known, and may
# have been signed by itself
_OF_ONE_STORE = {"copies": (), "signature": None}
_AFTER_ERASURE = (
    "If an erasure was interrupted, or did not reach a store, run the same `supakeep erase` again. "
)


@dataclass(frozen=True)
class CopyVersion:
    """One of the manifests of a name, and the stores that hold it."""

    manifest: Manifest
    stores: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' and '.join(self.stores)}: {_contents(self.manifest)}"


def versions_of(held: Iterable[tuple[str, Manifest]]) -> tuple[CopyVersion, ...]:
    """The different manifests of one backup among those that stores hold, by the stores' names: one
    where the copies agree. That of the first store comes first.
    """
    stores: list[tuple[Manifest, list[str]]] = []
    for store, manifest in held:
        same = next((names for other, names in stores if is_same_backup(other, manifest)), None)
        if same is None:
            stores.append((manifest, [store]))
        else:
            same.append(store)
    return tuple(CopyVersion(manifest, tuple(names)) for manifest, names in stores)


def is_same_backup(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests describe one backup. They may differ in their signatures, in what was
    known of the copies, and in a status that only the copies explain.
    """
    return _of_every_store(one) == _of_every_store(other)


def copies_differ(versions: Sequence[CopyVersion]) -> CopiesDifferError:
    """The error for more than one version: which store says what, and what to do about it."""
    name = versions[0].manifest.backup
    stores = [version.stores[0] for version in versions]
    commands = ", ".join(f"`supakeep show {name} --from {store}`" for store in stores)
    differences = _differences(versions)
    return CopiesDifferError(
        f"{' and '.join(stores)} hold different backups named {name} "
        f"({'; '.join(map(str, versions))}; they differ in {', '.join(differences)})",
        operation="compare copies",
        key=name,
        hint=f"{_AFTER_ERASURE * ('erased' in differences)}"
        "Somebody may have put one of them there, so none is taken by itself. Look at each "
        f"({commands}), take the right one by its store (--from, read_from), and remove the others "
        f"(`supakeep delete {name} --from STORE`).",
    )


def chosen_notice(chosen: CopyVersion, others: Sequence[CopyVersion]) -> str:
    """What is said where the caller named the store of one version."""
    return (
        f"The backup in {' and '.join(chosen.stores)} was taken, as asked. A different one of this "
        f"name is in {'; '.join(map(str, others))}"
    )


def _of_every_store(manifest: Manifest) -> Manifest:
    return manifest.model_copy(update={**_OF_ONE_STORE, "status": _status_of_rows(manifest)})


def _status_of_rows(manifest: Manifest) -> BackupStatus:
    """The status without what became of the copies."""
    is_whole = all(table.status is TableStatus.COMPLETE for table in manifest.tables)
    if manifest.copy_problems and is_whole and not manifest.shrinkage:
        return BackupStatus.COMPLETE
    return manifest.status


def _differences(versions: Sequence[CopyVersion]) -> list[str]:
    first, *others = (_of_every_store(version.manifest) for version in versions)
    return [
        field
        for field in Manifest.model_fields
        if any(getattr(other, field) != getattr(first, field) for other in others)
    ]


def _contents(manifest: Manifest) -> str:
    tables = f"{len(manifest.tables):,} table{'' if len(manifest.tables) == 1 else 's'}"
    return f"{manifest.rows:,} rows in {tables}, of {manifest.started_at:%Y-%m-%d %H:%M:%S} UTC"
