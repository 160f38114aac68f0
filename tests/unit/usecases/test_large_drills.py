"""Drills of backups that are too large for one: by tables, by sample, and what the ledger makes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import pyrage
import pytest

from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import DrillReport, Rung, RungOutcome
from supakeep.domain.ledger import ledger_prefix
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.portion import Portion
from supakeep.domain.proof import Proofs
from supakeep.errors import StorageError
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.plan_drill import PlanDrill
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.record_drill import RecordDrill
from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, a_shop, back_up
from tests.builders.drills import NO_ROOM, record_drill
from tests.builders.manifests import PROJECT
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.faulty_object_store import BitFlippingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.scratch import InMemoryScratchServer
from tests.fakes.time import NOON, FixedClock, Lasts, NeverExpires

# with the cautious pace, 700 bytes of rows; the shop has more
A_MILLISECOND = 0.001


@dataclass
class Drills:
    """Drills of one backup, one after the other, a minute apart."""

    manifest: Manifest
    store: InMemoryObjectStore
    seconds: float | None = A_MILLISECOND
    server: InMemoryScratchServer = field(default_factory=InMemoryScratchServer)
    assertions: Sequence[Assertion] = ()
    identity: str | None = None
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON + dt.timedelta(hours=1)))

    def drill(self) -> DrillReport:
        self.clock.advance(minutes=1)
        plan = PlanDrill([self.store], PROJECT, self.server, self.clock, Lasts(self.seconds))
        climb = DrillBackup(
            self.server, self.assertions, self.clock, NeverExpires(), InMemoryProgress(), plan
        )
        reader = BackupReader(self.manifest, [self.store])
        reader.decoder.unlock(lambda: Identities(self.identity))
        report = climb(reader)
        assert report.came_back or not report.is_whole
        record = RecordDrill([self.store], None, self.clock)
        now = self.clock.now()
        return record(report, self.manifest, run=f"{now:%Y%m%dT%H%M%SZ}-1a2b3c4d", started_at=now)

    @property
    def proofs(self) -> Proofs:
        return read_proofs([self.store], [self.manifest], PROJECT, self.clock.now())

    @property
    def badge(self) -> str:
        proof = self.proofs.proof_of(self.manifest)
        return proof.badge if proof else ""


@pytest.fixture
def shop() -> Drills:
    store = InMemoryObjectStore()
    return Drills(back_up(a_shop(), store, max_object_bytes=300), store)


@pytest.fixture
def log() -> Drills:
    """One table that is far too large, in many volumes."""
    shop, store = a_shop(), InMemoryObjectStore()
    rows = [{"id": n, "what": "x" * (n % 40)} for n in range(1, 101)]
    shop.add_table(a_table("log", "what text"), rows)
    return Drills(back_up(shop, store, max_object_bytes=300), store)


def portion(report: DrillReport) -> Portion:
    assert report.portion is not None
    return report.portion


def tables(report: DrillReport) -> list[str]:
    return sorted(table.name for table in portion(report).tables)


def test_a_backup_that_fits_is_drilled_at_once(shop: Drills) -> None:
    shop.seconds = 60

    report = shop.drill()

    assert (report.portion, report.restores, report.goes_on) == (None, True, False)


def test_table_by_table_until_all_are_proven(shop: Drills) -> None:
    first = shop.drill()

    assert tables(first) == [ITEMS, ORDERS]
    assert (portion(first).left, first.goes_on) == ((CUSTOMERS,), True)
    assert (first.came_back, first.restores) == (True, False)
    assert first.rung(Rung.IDENTICAL).figures == {"tables": 2, "rows": 10}
    assert str(portion(first)) == "2 of 3 tables (1 still to be drilled)"
    assert portion(first).why.startswith("all tables are 7")
    assert shop.badge == "stored, 2 of 3 tables restored whole"
    assert not shop.proofs.is_proven(shop.manifest)

    second = shop.drill()

    assert tables(second) == [CUSTOMERS]
    assert (second.restores, second.goes_on) == (True, False)
    assert str(portion(second)) == "1 of 3 tables (all are proven by now)"
    assert shop.badge == "stored · readable · restored · identical"
    assert shop.proofs.is_proven(shop.manifest)


def test_where_all_are_proven_the_oldest_proof_is_renewed(shop: Drills) -> None:
    shop.drill(), shop.drill()

    assert tables(shop.drill()) == [ITEMS, ORDERS]
    assert CUSTOMERS in tables(shop.drill())


def test_only_the_volumes_of_the_portion_are_read(shop: Drills) -> None:
    first, second = shop.drill(), shop.drill()

    read = [report.rung(Rung.READABLE).figures["bytes"] for report in (first, second)]
    assert max(read) < shop.manifest.size_bytes
    # together everything, also what holds no row
    assert sum(read) >= shop.manifest.size_bytes


def test_room_limits_as_time_does(shop: Drills, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supakeep.usecases.plan_drill._LEAST_ROOM_BYTES", 1)
    shop.seconds, shop.server.free = None, 2000

    report = shop.drill()

    assert tables(report) == [ITEMS, ORDERS]
    assert "there is room for 2.0 KiB" in portion(report).why
    assert report.not_proven[0].why == portion(report).why


def test_a_table_that_does_not_fit_alone_is_drilled_by_samples_of_one_volume_after_the_other(
    log: Drills,
) -> None:
    log.drill(), log.drill()
    first, second = log.drill(), log.drill()

    [sample], [other] = portion(first).tables, portion(second).tables
    assert sample.is_sample
    assert first.rung(Rung.IDENTICAL).figures["rows"] == sample.rows > 1
    assert sample.bytes <= 700
    assert other.volumes[0] == sample.volumes[-1] + 1
    assert (first.restores, first.goes_on) == (False, False)
    assert portion(first).sampled == ("public.log",)
    assert log.badge == "stored, 3 of 4 tables restored whole, 1 by sample"
    assert not log.proofs.is_proven(log.manifest)
    assert "public.log as a whole" in {note.what for note in first.not_proven}
    assert f"a sample of public.log: {sample.rows} of 100 rows, from volumes" in str(portion(first))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_samples_of_compressed_and_encrypted_volumes(compression: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    policy = BackupPolicy.parse(
        f'[backup]\ntables = "*"\n[storage]\ncompression = "{compression}"\n'
        f'[encryption]\nrecipients = ["{identity.to_public()}"]'
    )
    shop, store = InMemoryDatabase(portion_rows=50), InMemoryObjectStore()
    rows = [{"id": n, "what": sha256(b"%d" % n).hexdigest()} for n in range(1, 101)]
    shop.add_table(a_table("log", "what text"), rows)
    manifest = back_up(shop, store, policy=policy, max_object_bytes=2500)
    drills = Drills(manifest, store, identity=str(identity))

    samples = [portion(drills.drill()).tables[0] for _ in range(4)]

    assert samples[0].volumes[0] < samples[1].volumes[0] < samples[2].volumes[0]
    assert all(0 < sample.rows < 100 for sample in samples)


def test_samples_come_to_every_row_and_begin_anew(log: Drills) -> None:
    log.drill(), log.drill()

    samples = [portion(log.drill()).tables[0] for _ in range(12)]

    starts = [sample.volumes[0] for sample in samples]
    assert starts.index(starts[0], 1) > 2
    once = samples[: starts.index(starts[0], 1)]
    assert {n for sample in once for n in sample.volumes} >= set(range(starts[0], starts[0] + 8))


def test_a_table_is_proven_no_more_once_it_failed_and_the_others_still_are(shop: Drills) -> None:
    shop.drill(), shop.drill()
    # a new round begins with items and orders
    whole, last = shop.store, shop.manifest.volumes[-1]
    shop.store = BitFlippingObjectStore(whole, last.key, 20)  # type: ignore[assignment]
    failed = shop.drill(), shop.drill()
    shop.store = whole

    assert [not report.is_whole for report in failed].count(True) >= 1
    assert not shop.proofs.is_proven(shop.manifest)
    assert "failed: readable" in shop.badge
    again = shop.drill()
    assert set(tables(again)) <= {name for report in failed for name in tables(report)}


def test_a_drill_of_everything_is_not_undone_by_one_of_some_tables(shop: Drills) -> None:
    shop.seconds = 60
    shop.drill()
    shop.seconds = A_MILLISECOND

    report = shop.drill()

    assert report.restores
    assert shop.proofs.is_proven(shop.manifest)
    assert shop.badge == "stored · readable · restored · identical"


def test_assertions_are_asked_where_their_tables_are_whole(shop: Drills) -> None:
    shop.assertions = [
        Assertion("nobody owes", 'select * from "customers" where balance < 0'),
        Assertion("each has an order", "select * from items join public.ORDERS using (order_id)"),
        Assertion("both", "select * from customers, orders"),
    ]

    first, second = shop.drill(), shop.drill()

    assert [a.name for a in first.assertions] == ["each has an order"]
    assert portion(first).not_asked == ("nobody owes", "both")
    assert (
        "it needs customers, which"
        in {n.what: n.why for n in first.not_proven}["the assertion 'both'"]
    )
    assert [a.name for a in second.assertions] == ["nobody owes"]
    # what no drill could ask is not said to hold
    assert shop.badge == "stored · readable · restored · identical"


def test_every_assertion_that_some_drill_has_asked_makes_the_backup_asserted(
    shop: Drills,
) -> None:
    shop.assertions = [
        Assertion("nobody owes", "select * from customers where balance < 0"),
        Assertion("orders", "select * from orders where false"),
    ]

    shop.drill(), shop.drill()

    assert shop.badge == "stored · readable · restored · identical · asserted"


def test_where_no_assertion_can_be_asked_the_rung_is_not_tried(shop: Drills) -> None:
    shop.assertions = [Assertion("nobody owes", "select * from customers where balance < 0")]

    asserted = shop.drill().rung(Rung.ASSERTED)

    assert asserted.outcome is RungOutcome.NOT_TRIED
    assert asserted.problems[0].message.startswith("No assertion could be asked")


class _Slow(FixedClock):
    """Every step takes a second."""

    def steady_seconds(self) -> float:
        self.advance(seconds=1)
        return super().steady_seconds()


def test_the_pace_is_that_of_the_newest_drill_that_tells(
    shop: Drills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supakeep.usecases.plan_drill._LEAST_MEASURED_BYTES", 1)
    shop.clock = _Slow(NOON + dt.timedelta(hours=1))
    shop.seconds = 1
    assert shop.drill().portion is None

    # 744 bytes took three seconds
    assert tables(shop.drill()) == [ORDERS]

    shop.server.place = "elsewhere"
    assert shop.drill().portion is None


@pytest.mark.parametrize("seconds", [None, 60])
def test_a_drill_takes_less_where_those_before_it_broke_off(
    shop: Drills, seconds: float | None
) -> None:
    shop.seconds = seconds
    at = NOON + dt.timedelta(minutes=5)
    record_drill(shop.store, manifest=shop.manifest, at=at, outcomes="pp---", broken_off=NO_ROOM)

    first = shop.drill()

    # 128 + 303 bytes are more than a half of 744, 128 + 313 are too
    assert tables(first) == [ORDERS]
    assert portion(first).why == "a drill of this backup broke off, so this one takes less"
    # all that is left is not tried at once either
    assert tables(shop.drill()) == [ITEMS]
    assert shop.drill().restores


def test_a_record_of_an_earlier_version_is_about_all_tables(shop: Drills) -> None:
    record_drill(shop.store, manifest=shop.manifest, at=NOON + dt.timedelta(minutes=5))

    assert shop.proofs.is_proven(shop.manifest)
    assert shop.badge == "stored · readable · restored · identical"


def test_a_ledger_that_cannot_be_read_proves_no_table(
    shop: Drills, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.drill()
    listed = shop.store.list

    def refuse(prefix: str) -> object:
        if prefix == ledger_prefix(PROJECT):
            raise StorageError("no", operation="list")
        return listed(prefix)

    monkeypatch.setattr(shop.store, "list", refuse)

    assert tables(shop.drill()) == [ITEMS, ORDERS]
