"""A prune that removes very many files does so in batches, and stops where a backup begins."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import pytest

from supakeep.domain.prune import PruneReport
from supakeep.domain.swept_files import SweptFiles
from supakeep.errors import ObjectLockedError, StorageError, StorageUnavailableError
from supakeep.ports import ForwardingObjectStore, ObjectStore, StoredObject
from supakeep.usecases.run_prune import RunPrune
from tests.builders.backups import a_shop
from tests.builders.file_backups import Stores, some_files
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import prune
from tests.unit.usecases.running import a_run


class ManyFiles(ForwardingObjectStore):
    """A copy that also lists so many old files that nobody names, of a byte each."""

    def __init__(self, store: InMemoryObjectStore, files: int) -> None:
        super().__init__(store)
        self.files = files
        self.deleted: list[int] = []
        self.listed: list[str] = []
        self.refuse: Callable[[Sequence[str]], dict[str, StorageError]] = lambda _: {}

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self.listed.append(prefix)
        yield from super().list(prefix)
        digit = prefix.removeprefix(f"files/{PROJECT}/")
        if digit == "4":
            for number in range(self.files):
                key = f"files/{PROJECT}/4e/4e{number:030d}.{'6' * 64}"
                yield StoredObject(key, 1, NOON.replace(year=2025))

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        self.deleted.append(len(keys))
        return self.refuse(keys)


@pytest.fixture
def stores() -> Stores:
    stores = Stores()
    stores.back_up(some_files())
    return stores


def sweep(
    stores: Stores, *places: ObjectStore, is_backing_up: Callable[[], bool] = lambda: False
) -> PruneReport:
    return prune(*places, at=stores.clock.now(), is_backing_up=is_backing_up)


def swept(report: PruneReport) -> SweptFiles:
    [found] = [each.files for each in report.stores if each.store == "mirror"]
    assert found is not None
    return found


def test_files_go_in_batches_and_no_batch_lists_the_backups_again(stores: Stores) -> None:
    few, many = ManyFiles(stores.mirror, 1), ManyFiles(stores.mirror, 3500)

    sweep(stores, stores.primary, few)
    found = swept(sweep(stores, stores.primary, many))

    assert many.deleted == [1000, 1000, 1000, 500]
    assert many.listed == few.listed
    assert (found.removed, found.removed_bytes, found.kept) == (3500, 3500, 3)


def test_a_backup_that_begins_between_two_batches_keeps_the_rest(stores: Stores) -> None:
    many = ManyFiles(stores.mirror, 3500)

    report = sweep(stores, many, is_backing_up=lambda: len(many.deleted) == 2)

    found = swept(report)
    assert many.deleted == [1000, 1000]
    assert (found.removed, found.kept) == (2000, 1503)
    assert found.waits == "a backup is being made"


def test_a_store_that_fails_in_a_batch_counts_nothing_that_it_was_not_asked_for(
    stores: Stores,
) -> None:
    many = ManyFiles(stores.mirror, 3500)
    error = StorageUnavailableError("It did not answer", operation="delete")
    many.refuse = lambda keys: dict.fromkeys(keys[600:], error) if len(many.deleted) == 2 else {}

    found = swept(sweep(stores, many))

    assert many.deleted == [1000, 1000]
    assert (found.removed, found.kept) == (1600, 1903)
    assert found.problem is not None
    assert found.problem.message == "It did not answer"


def test_locked_files_stay_and_keep_no_others(stores: Stores) -> None:
    many = ManyFiles(stores.mirror, 3500)
    locked = ObjectLockedError("It is locked", operation="delete")
    many.refuse = lambda keys: dict.fromkeys(keys[:900], locked)

    found = swept(sweep(stores, many))

    assert (found.removed, found.kept, found.problem) == (300, 3203, None)


def test_ten_times_as_many_files_take_no_more_memory(stores: Stores) -> None:
    locked = ObjectLockedError("It is locked", operation="delete")

    def peak(files: int) -> int:
        many = ManyFiles(stores.mirror, files)
        many.refuse = lambda keys: dict.fromkeys(keys[::2], locked)
        tracemalloc.start()
        try:
            sweep(stores, many)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2_000)

    assert peak(20_000) < peak(2_000) + 200_000


@pytest.mark.parametrize("has_ended", [False, True], ids=["at work", "over again"])
def test_a_prune_asks_the_records_of_runs_for_a_backup_between_two_batches(
    stores: Stores, *, has_ended: bool
) -> None:
    many = ManyFiles(stores.mirror, 3500)
    project = ServedProject(
        settings=settings(),
        database=a_shop(),
        primary=stores.primary,
        mirror=many,
        dispatcher=InMemoryDispatcher(),
        clock=stores.clock,
    )

    def begin(_: Sequence[str]) -> dict[str, StorageError]:
        run = a_run().started(stores.clock.now())
        project.run_store.save(run.failed(stores.clock.now(), KeyError()) if has_ended else run)
        return {}

    many.refuse = begin

    found = swept(RunPrune(project).report(dry_run=False))

    assert many.deleted == [1000]
    assert found.waits == "a backup is being made"
