"""`supakeep ledger report`: a signed page for auditors."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.builders.drills import NO_ROOM, a_portion, record_drill
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.builders.signing import KEYRING, SIGNING_KEY, STRANGERS_KEY
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings

HOSTILE = '<script>alert("1")</script>\u202ekcab\x00'


class Page(HTMLParser):
    """The tags of a page, what they would load, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "style", "onload")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def noon(around: Surroundings) -> dt.datetime:
    """Today's noon; for the commands it is an hour later, whatever the machine's own clock says."""
    noon = around.clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    around.clock = FixedClock(noon + dt.timedelta(hours=1))
    return noon


def _report(supakeep: Supakeep, *options: str) -> Page:
    ended = supakeep("ledger", "report", *options)
    assert ended.code == 0, ended
    return Page(ended.out)


def test_every_backup_its_copies_and_its_proof_are_on_the_page(
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    supakeep: Supakeep,
    noon: dt.datetime,
) -> None:
    place_backup(primary, at=noon)
    record_drill(primary, mirror, manifest=a_manifest(at=noon), at=noon, outcomes="pppf-")

    page = _report(supakeep)

    assert a_manifest(at=noon).backup in page.words
    assert "not in mirror" in page.words
    assert "restorable" in page.words
    assert "identical: failed" in page.words
    assert "The ledger is whole" in page.words


def test_a_backup_of_which_some_tables_are_drilled_is_a_gap_until_all_are(
    primary: InMemoryObjectStore, supakeep: Supakeep, noon: dt.datetime
) -> None:
    place_backup(primary, at=noon)
    manifest = a_manifest(at=noon)
    record_drill(primary, manifest=manifest, at=noon, portion=a_portion("public.items"))
    gap = "1 of 1 good backups are not shown to restore by a drill"

    page = _report(supakeep)

    assert gap in page.words
    assert "1 of 3 tables (1 still to be drilled)" in page.words
    assert "public.orders" in page.words

    later = noon + dt.timedelta(seconds=5)
    record_drill(primary, manifest=manifest, at=later, portion=a_portion())
    assert gap not in _report(supakeep).words


def test_the_page_loads_nothing_and_a_hostile_name_is_only_text(
    primary: InMemoryObjectStore, supakeep: Supakeep, noon: dt.datetime
) -> None:
    place_backup(primary, at=noon)
    manifest = a_manifest(at=noon).model_copy(update={"backup": HOSTILE})
    record_drill(primary, manifest=manifest, at=noon)

    page = _report(supakeep)

    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert page.loads == []
    assert '<script>alert("1")</script>\\u202ekcab\\x00' in page.words


@pytest.mark.parametrize(
    ("missing", "gap"),
    [([2], "of {2}"), ([2, 3], "of the 2 days from {3} to {2}"), ([4], "of {4}")],
)
def test_days_without_a_good_backup_are_gaps(
    primary: InMemoryObjectStore,
    supakeep: Supakeep,
    noon: dt.datetime,
    missing: list[int],
    gap: str,
) -> None:
    day = [(noon - dt.timedelta(days=days)).date() for days in range(5)]
    for days in {1, 2, 3, 4} - set(missing):
        place_backup(primary, at=noon - dt.timedelta(days=days))
    # this one is not good
    place_backup(primary, at=noon - dt.timedelta(days=missing[0]), good=False)

    page = _report(supakeep, "--since", str(day[4]))

    assert f"{PROJECT}: no store holds a good backup {gap.format(*day)}\n" in page.words + "\n"
    assert page.words.count("no store holds a good backup") == 1


def test_what_lies_before_the_period_is_left_out(
    primary: InMemoryObjectStore, supakeep: Supakeep, noon: dt.datetime
) -> None:
    before = noon - dt.timedelta(days=2)
    name = place_backup(primary, at=before)
    record_drill(primary, manifest=a_manifest(at=before), at=before)

    page = _report(supakeep, "--since", f"{noon:%Y-%m-%d}")

    assert name.text not in page.words
    assert "There was no drill in this period." in page.words


def test_a_signed_report_verifies_until_a_byte_of_it_changes(
    primary: InMemoryObjectStore, supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)
    report = Path("report.html")
    assert supakeep("ledger", "report", "--to", str(report)).code == 0

    good = supakeep("ledger", "verify", "--report", str(report))
    assert good.code == 0
    assert good.out == f"{report} is as it was signed, with the key {KEYRING.key_id}\n"

    signed = report.read_text()
    for changed, why in {
        signed.replace("Gaps", "Gabs", 1): "it is forged",
        signed + "<p>More</p>": "has no signature",
        signed.rpartition("<!--")[0]: "has no signature",
    }.items():
        report.write_text(changed)
        ended = supakeep("ledger", "verify", "--report", str(report))
        assert ended.code == 1
        assert why in ended.err


def test_a_report_that_a_stranger_signed_is_refused(
    primary: InMemoryObjectStore, supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", STRANGERS_KEY)
    supakeep("ledger", "report", "--to", "report.html")
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)

    ended = supakeep("ledger", "verify", "--report", "report.html")

    assert ended.code == 1
    assert "neither SIGNING_KEY nor a former one" in ended.err


def test_a_report_without_a_key_says_that_it_is_not_signed(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    assert "This page is not signed" in _report(supakeep).words
    assert "not signed: set SIGNING_KEY" in supakeep("ledger", "report").err
    ended = supakeep("ledger", "verify", "--report", "report.html")
    assert ended.code == 1
    assert "SIGNING_KEY is not set" in ended.err


def test_a_store_that_cannot_be_read_is_on_the_page(
    primary: InMemoryObjectStore, supakeep: Supakeep, noon: dt.datetime
) -> None:
    entry = record_drill(primary, at=noon).entry
    assert entry is not None
    primary.place(entry, b"{}")

    ended = supakeep("ledger", "report")

    assert ended.code == 3
    assert f"The ledger entry {entry} cannot be trusted" in Page(ended.out).words


def test_options_of_another_command_are_refused(supakeep: Supakeep) -> None:
    for arguments, message in {
        ("verify", "--since", "2026-01-01"): "--since belongs to `supakeep ledger report`",
        ("report", "--report", "x.html"): "--report belongs to `supakeep ledger verify`",
        ("report", "--since", "2999-01-01"): "is in the future",
        ("report", "--since", "yesterday"): "is not a day such as 2026-01-31",
        ("report", "--json"): "name the page's file with --to",
    }.items():
        ended = supakeep("ledger", *arguments)
        assert ended.code == 2, ended
        assert message in ended.err


def test_the_file_and_its_gaps_are_printed_as_json(
    primary: InMemoryObjectStore, supakeep: Supakeep, noon: dt.datetime
) -> None:
    place_backup(primary, at=noon)

    ended = supakeep(
        "ledger", "report", "--since", f"{noon:%Y-%m-%d}", "--to", "report.html", "--json"
    )

    assert ended.json == {
        "file": "report.html",
        "key_id": None,
        "backups": 1,
        "drills": 0,
        "gaps": [f"{PROJECT}: 1 of 1 good backups are not shown to restore by a drill"],
    }


def test_a_drill_that_broke_off_is_a_gap_and_proves_nothing(
    primary: InMemoryObjectStore,
    supakeep: Supakeep,
    noon: dt.datetime,
) -> None:
    place_backup(primary, at=noon)
    manifest = a_manifest(at=noon)
    record_drill(primary, manifest=manifest, at=noon, outcomes="pp---", broken_off=NO_ROOM)

    words = _report(supakeep, "--from", "primary").words

    assert "broke off at the rung restorable, which says nothing about the backup" in words
    assert "not drilled" in words
    assert "1 of 1 good backups are not shown to restore" in words
