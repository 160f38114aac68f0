"""A verification also looks whether each copy has the files that the backup names."""

from __future__ import annotations

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest
from supakeep.domain.verification import VerificationReport
from supakeep.errors import StorageUnavailableError
from supakeep.ports import ObjectStore
from supakeep.usecases.verify_backup import VerifyBackup
from supakeep.usecases.verify_files import VerifyFiles
from tests.builders.file_backups import Stores, files_in, some_files
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def manifest(stores: Stores) -> Manifest:
    return stores.back_up(some_files())


def verify(manifest: Manifest, *stores: ObjectStore, deep: bool = False) -> VerificationReport:
    files = VerifyFiles(NeverExpires(), deep)
    use_case = VerifyBackup(NeverExpires(), InMemoryProgress(), files=files)
    return use_case(BackupReader(manifest, stores))


def problems(report: VerificationReport) -> dict[str, str]:
    return {copy.store: copy.problem.message for copy in report.copies if copy.problem}


@pytest.mark.parametrize("deep", [False, True])
def test_files_that_are_all_there_are_counted(
    stores: Stores, manifest: Manifest, *, deep: bool
) -> None:
    # what other backups have, and what is not ours, says nothing
    stores.mirror.place(f"files/{PROJECT}/00/readme", b"x")
    stores.mirror.place(f"files/{PROJECT}/ff/readme", b"x")

    report = verify(manifest, stores.primary, stores.mirror, stores.offsite, deep=deep)

    assert problems(report) == {}
    assert (report.files, report.files_read) == (3, deep)
    assert report.is_whole


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_missing_file_is_named_with_the_copy_that_lacks_it(
    stores: Stores, manifest: Manifest, place: int
) -> None:
    key = sorted(files_in(stores.offsite))[place]
    stores.offsite.delete(key)

    report = verify(manifest, stores.primary, stores.mirror, stores.offsite)

    assert problems(report) == {"offsite": f"1 file is missing: {key}"}
    assert report.good_in == ("primary", "mirror")


def test_a_file_of_another_size_is_wrong(stores: Stores, manifest: Manifest) -> None:
    [key] = [k for k, held in files_in(stores.mirror).items() if held == b"the first picture"]
    stores.mirror.place(key, b"the first")

    report = verify(manifest, stores.mirror)

    assert problems(report) == {"mirror": f"1 file is wrong: {key} has 9 bytes instead of 17"}


def test_other_bytes_of_the_same_size_are_found_by_reading_them(
    stores: Stores, manifest: Manifest
) -> None:
    [key] = [k for k, held in files_in(stores.mirror).items() if held == b"the first picture"]
    stores.mirror.place(key, b"the fIrst picture")

    assert problems(verify(manifest, stores.mirror)) == {}
    assert "its SHA-256 is not" in problems(verify(manifest, stores.mirror, deep=True))["mirror"]


def test_where_no_store_has_any_file_that_is_said(stores: Stores, manifest: Manifest) -> None:
    report = verify(manifest, stores.primary)

    [warning] = report.warnings
    assert warning.startswith("None of these stores has the 3 files")
    assert report.good_in == ("primary",)


def test_a_store_that_cannot_be_listed_is_not_good(stores: Stores, manifest: Manifest) -> None:
    error = StorageUnavailableError("It did not answer", operation="list")
    silent = FailingObjectStore(stores.offsite, "list", error=error, key_part="files/")

    report = verify(manifest, stores.mirror, silent)

    assert problems(report) == {"offsite": "It did not answer"}
