"""A drill is recorded in every store, and its entry names the ones before it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from supakeep.archive.ledger import LEDGER
from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import verified
from supakeep.domain.chain import recorded_at
from supakeep.domain.ledger import LedgerEntry
from supakeep.errors import IntegrityError, SignatureError
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.read_ledger import read_ledger
from tests.builders.drills import a_drill, ledger_keys, record_drill
from tests.builders.manifests import PROJECT, a_manifest
from tests.builders.signing import FORMER_KEY, KEYRING, STRANGERS
from tests.fakes.faulty_object_store import PAGE, DamagingObjectStore, FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago


@pytest.fixture
def primary() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=4096)


@pytest.fixture
def mirror() -> InMemoryObjectStore:
    return InMemoryObjectStore("mirror", piece_bytes=4096)


def entries(store: InMemoryObjectStore) -> list[LedgerEntry]:
    return [found.entry for found in read_ledger(store, PROJECT).entries]


def named_by(store: InMemoryObjectStore, key: str | None) -> list[str]:
    [entry] = [entry for entry in entries(store) if entry.key == key]
    return [link.key for link in entry.previous]


def test_every_store_has_the_same_entry(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    manifest = a_manifest()

    report = record_drill(primary, mirror, manifest=manifest, outcomes="pppf-")

    key = "ledger/jewelshot/2026-11-22T120000Z_20261122T115950Z-1a2b3c4d.json"
    assert report.entry == key
    assert report.unrecorded == ()
    assert primary.objects == mirror.objects
    [entry] = entries(primary)
    assert entry.report == a_drill("pppf-", backup=manifest.backup)
    assert entry.backup.name == manifest.backup
    assert entry.proves(manifest)
    assert not entry.proves(a_manifest(volumes=()))
    assert entry.duration_seconds == 10
    assert recorded_at(key) == NOON


def test_an_entry_names_the_one_before_it_with_its_checksum(primary: InMemoryObjectStore) -> None:
    first = record_drill(primary, at=days_ago(2)).entry
    second = record_drill(primary, at=days_ago(1)).entry
    third = record_drill(primary).entry

    assert named_by(primary, first) == []
    assert named_by(primary, second) == [first]
    assert named_by(primary, third) == [second]
    stored = {found.key: found for found in read_ledger(primary, PROJECT).entries}
    assert second is not None
    fields = json.loads(primary.objects[second])
    assert stored[second].checksum == fields["checksum"]
    [link] = stored[third or ""].entry.previous
    assert link.checksum == fields["checksum"]
    del fields["checksum"]
    assert link.checksum == checksum_of(fields)


def test_a_store_that_fails_is_reported_and_the_others_have_the_drill(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    report = record_drill(FailingObjectStore(primary, "put"), mirror)

    assert [failed.store for failed in report.unrecorded] == ["primary"]
    assert report.warnings[0] == "The ledger of primary lacks this drill: primary did not answer"
    assert ledger_keys(mirror) == [report.entry]
    assert ledger_keys(primary) == []


@pytest.mark.parametrize("keyring", [None, KEYRING], ids=["unsigned", "signed"])
@pytest.mark.parametrize("instead", [PAGE, b"", b"{}"], ids=["HTML", "nothing", "another object"])
def test_a_store_that_does_not_give_the_entry_back_as_it_was_written_lacks_the_drill(
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    keyring: Keyring | None,
    instead: bytes,
) -> None:
    lying = DamagingObjectStore(primary, "ledger/", instead)

    report = record_drill(verified(lying, keyring), mirror, keyring=keyring)

    [failed] = report.unrecorded
    assert failed.store == "primary"
    assert f"The ledger entry {report.entry} " in failed.problem.message
    assert report.warnings[0].startswith("The ledger of primary lacks this drill: The ledger entry")
    assert ledger_keys(mirror) == [report.entry]


def test_an_entry_whose_reading_breaks_off_once_is_recorded(primary: InMemoryObjectStore) -> None:
    report = record_drill(FailingObjectStore(primary, "read", times=1))

    assert report.unrecorded == ()


def test_the_next_entry_names_one_that_a_store_has_missed(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    missed = record_drill(FailingObjectStore(primary, "put"), mirror, at=days_ago(1)).entry

    report = record_drill(primary, mirror)

    assert named_by(primary, report.entry) == [missed]


def test_an_entry_names_all_that_knew_nothing_of_each_other(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    both = record_drill(primary, mirror, at=days_ago(3)).entry
    one = record_drill(primary, at=days_ago(2)).entry
    other = record_drill(mirror, at=days_ago(1)).entry

    joined = record_drill(primary, mirror).entry

    assert named_by(mirror, other) == [both]
    assert named_by(primary, joined) == [one, other]


def test_a_store_that_cannot_be_listed_does_not_lose_the_drill(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    report = record_drill(FailingObjectStore(primary, "list"), mirror)

    assert report.unrecorded == ()
    assert ledger_keys(primary) == ledger_keys(mirror) == [report.entry]


def test_what_is_not_believed_is_not_named(primary: InMemoryObjectStore) -> None:
    good = record_drill(primary, at=days_ago(3), keyring=KEYRING).entry
    record_drill(primary, at=days_ago(2), keyring=STRANGERS)
    record_drill(primary, at=days_ago(1))
    primary.place("ledger/jewelshot/2026-11-22T110000Z_run.json", b"{}")
    future = record_drill(primary, at=NOON + dt.timedelta(days=1), keyring=KEYRING)

    report = record_drill(verified(primary, KEYRING), keyring=KEYRING)

    assert future.entry != report.entry
    assert named_by(primary, report.entry) == [good]


def test_a_former_key_still_holds(primary: InMemoryObjectStore) -> None:
    old = record_drill(primary, at=days_ago(1), keyring=Keyring(FORMER_KEY)).entry
    both = Keyring("the-key-that-replaced-the-former-one-00", [FORMER_KEY])

    record_drill(verified(primary, both), keyring=both)

    ledger = read_ledger(verified(primary, both), PROJECT)
    assert ledger.untrusted == {}
    assert next(found.key for found in ledger.entries) == old
    assert len({found.key_id for found in ledger.entries}) == 2


def test_an_entry_that_is_not_as_it_was_written_is_refused(primary: InMemoryObjectStore) -> None:
    key = record_drill(primary, keyring=KEYRING).entry or ""
    content = primary.objects[key]
    other_key = key.replace("T12", "T13")

    assert LEDGER.parse(content, key).key_id == KEYRING.key_id
    with pytest.raises(
        IntegrityError, match="it was written as ledger/jewelshot/2026-11-22T120000Z"
    ):
        LEDGER.parse(content, other_key)
    with pytest.raises(IntegrityError, match="its checksum does not match"):
        LEDGER.parse(content.replace(b'"failed"', b'"proven"').replace(b"900", b"100"), key)
    with pytest.raises(IntegrityError, match="its format 'supakeep-ledger/2' is unknown"):
        LEDGER.parse(content.replace(b"supakeep-ledger/1", b"supakeep-ledger/2"), key)
    with pytest.raises(SignatureError), verified(primary, STRANGERS).read(key) as pieces:
        b"".join(pieces)


def test_a_minor_version_may_add_fields(primary: InMemoryObjectStore) -> None:
    key = record_drill(primary).entry or ""
    fields = json.loads(primary.objects[key])
    fields.update({"format": "supakeep-ledger/1.7", "weather": "fine"})
    del fields["checksum"]
    content = json.dumps({**fields, "checksum": checksum_of(fields)}).encode()

    found = LEDGER.parse(content, key)

    assert found.checksum == checksum_of(fields)
    assert LEDGER.encode(found.entry, None) == primary.objects[key]


def test_a_folder_has_the_ledger_beside_the_backups(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    (tmp_path / "daily").mkdir()
    (tmp_path / "notes.json").write_text("mine")

    report = record_drill(store)

    assert ledger_keys(store) == [report.entry]
    assert (tmp_path / (report.entry or "")).is_file()
    assert [found.key for found in read_ledger(store, None).entries] == [report.entry]
    assert read_ledger(store, "another").entries == ()
    assert list(store.list("daily/")) == []
