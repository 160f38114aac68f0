"""What anybody may have written into a store: no reader crashes on it, and none takes memory for it."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supakeep.archive.audit_log import AUDIT_LOG
from supakeep.archive.compression import UnreadableError, decompressed
from supakeep.archive.file_tree import MOST_LINE_BYTES, Lines, file_of, tree_entries
from supakeep.archive.layout import split_rows
from supakeep.archive.ledger import LEDGER
from supakeep.archive.manifest import check_signature, encode_manifest, parse_manifest
from supakeep.archive.pin import pinned_until
from supakeep.archive.reader import BackupReader
from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.signature import Keyring
from supakeep.domain.json_text import is_json_object
from supakeep.domain.manifest import Manifest, Part
from supakeep.domain.project_file import Bucket
from supakeep.errors import ChecksumError, IntegrityError, SupakeepError
from tests.builders.examples import examples
from tests.builders.manifests import a_manifest, an_entry
from tests.builders.tables import a_table
from tests.fakes.object_store import InMemoryObjectStore

MANIFEST = a_manifest(
    tables=(
        an_entry(
            a_table("user_credits", "name text"),
            rows=2,
            parts=(Part(rows=2, bytes=10, sha256="0" * 64, volume=1, offset=0),),
        ),
    )
)
KEY = MANIFEST.name.manifest_key
KEYRING = Keyring("k" * 32)
FIELDS: dict[str, Any] = json.loads(encode_manifest(MANIFEST, KEYRING))
MIB = 1024 * 1024

DEEP_LIST = b"[" * 200_000
DEEP_OBJECT = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
HUGE_NUMBER = b'{"format":' + b"9" * 50_000 + b"}"
NUL_AND_NO_UTF8 = [b'{"format":"supakeep/1\x00"}', b'{"format":"\xff\xfe"}', b"\x00" * 64]

# numbers that no computer word holds, half characters, NUL, and what a field of a manifest is named
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 10**18, -1, 1e308, "\ud800", "\x00", "9" * 5_000]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([*FIELDS, "2026-11-26T00:00:00", "public.a\x00", '"a"."b"', "supakeep/1.1"]),
)
odd_json = st.recursive(
    odd_values,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from([*FIELDS]), inner, max_size=4)
    ),
    max_leaves=12,
)


def paths_in(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a JSON document stands."""
    yield at
    if isinstance(value, dict | list):
        names = value if isinstance(value, dict) else range(len(value))
        for name in names:
            yield from paths_in(value[name], (*at, name))


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at this place."""
    if not path:
        return value
    name, *rest = path
    changed = document.copy()
    changed[name] = with_value(document[name], tuple(rest), value)
    return changed


def stored(fields: dict[str, Any]) -> bytes:
    """The fields with the checksum that they have, so that only what they say is wrong."""
    others = {name: value for name, value in fields.items() if name != "checksum"}
    return json.dumps({**others, "checksum": checksum_of(others)}).encode()


def look_at_everything(manifest: Manifest) -> None:
    """What listing, showing, pruning and restoring ask of a manifest that was believed."""
    _ = (manifest.rows, manifest.size_bytes, manifest.document_bytes, manifest.duration_seconds)
    _ = (manifest.is_good, manifest.objects, manifest.recipients, manifest.other_copies("primary"))
    tables = [entry.table for entry in manifest.tables]
    assert len(tables) == len(manifest.tables)
    reader = BackupReader(manifest, [InMemoryObjectStore()])
    for entry in manifest.tables:
        reader.volumes_of([entry])


@settings(max_examples=examples(150))
@given(st.lists(st.tuples(st.sampled_from([*paths_in(FIELDS)]), odd_json), min_size=1, max_size=3))
@example([(("format",), "supakeep/" + "9" * 5_000)])
@example([(("started_at",), "2026-11-22T12:00:00")])
@example([(("tables", 0, "parts", 0, "volume"), -5)])
@example([(("tables", 0, "parts", 0, "volume"), 10**18)])
def test_a_manifest_that_says_anything_is_read_or_refused(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    fields: Any = FIELDS
    for path, value in changes:
        if path in [*paths_in(fields)]:
            fields = with_value(fields, path, value)
    content = stored(fields) if isinstance(fields, dict) else json.dumps(fields).encode()

    # anything but an error of integrity fails the test
    with suppress(IntegrityError):
        look_at_everything(parse_manifest(content, KEY))
    with suppress(IntegrityError):
        check_signature(content, KEY, KEYRING)


READERS: dict[str, Callable[[bytes], Any]] = {
    "manifest": lambda content: parse_manifest(content, KEY),
    "signature": lambda content: check_signature(content, KEY, KEYRING),
    "pin": lambda content: pinned_until(content, "daily/backup_jewelshot_2026-11-22.pin.json"),
    "ledger": lambda content: LEDGER.parse(content, "ledger/jewelshot/1.json"),
    "audit log": lambda content: AUDIT_LOG.parse(content, "audit/jewelshot/1.json"),
    "files": lambda content: [*tree_entries([content], "daily/x.files.json")],
}


@settings(max_examples=examples(60))
@given(st.sampled_from([*READERS]), st.one_of(st.binary(max_size=300), odd_json))
@example("manifest", DEEP_OBJECT)
@example("files", DEEP_LIST)
@example("files", DEEP_OBJECT)
@example("pin", HUGE_NUMBER)
@example("files", HUGE_NUMBER)
@example("ledger", NUL_AND_NO_UTF8[0])
@example("audit log", NUL_AND_NO_UTF8[1])
@example("files", NUL_AND_NO_UTF8[2])
def test_no_reader_of_small_objects_ends_in_another_error_than_its_own(
    reader: str, content: Any
) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()

    with pytest.raises(SupakeepError):
        READERS[reader](raw)


@settings(max_examples=examples(60))
@given(odd_json)
@example({"bucket": 5})
@example({"bucket": {}})
@example({"file": 5})
@example({"file": {}})
@example({"file": {"bucket": [], "name": {}, "size": "x", "updated_at": 1}})
def test_a_list_of_files_that_says_anything_is_read_or_refused(line: Any) -> None:
    head = b'{"format":"supakeep-files/1"}\n'
    key = "daily/x.files.json"

    with suppress(IntegrityError):
        for entry in tree_entries([head, json.dumps(line).encode()], key):
            assert isinstance(entry, Bucket) or "/" in file_of(entry).path


def test_a_line_of_a_list_of_files_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    pieces = (b"x" * MIB for _ in range(10 * MOST_LINE_BYTES // MIB))

    with pytest.raises(ChecksumError, match="is damaged: it is no list of files"):
        [*tree_entries(pieces, "daily/x.files.json")]

    assert next(pieces, None) is not None


def test_a_list_of_keys_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    pieces = (b"x" * MIB for _ in range(10 * MOST_LINE_BYTES // MIB))

    with pytest.raises(ChecksumError, match="is damaged: it is no list of files"):
        [*Lines("daily/x.files.txt").of(pieces)]

    assert next(pieces, None) is not None


# zeros that a small object holds thousands of times over
BOMBS = {
    "gzip": lambda size: gzip.compress(bytes(size), 9),
    "zstd": lambda size: zstd.compress(bytes(size), 19),
}


@pytest.mark.parametrize("method", BOMBS)
def test_a_decompression_bomb_comes_in_small_pieces(method: str) -> None:
    size = 64 * MIB
    bomb = BOMBS[method](size)
    assert len(bomb) < size // 900

    tracemalloc.start()
    total = largest = 0
    for piece in decompressed(iter([bomb]), method):
        total += len(piece)
        largest = max(largest, len(piece))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert total == size
    assert largest <= MIB // 4
    assert peak < 4 * MIB


def test_a_zstd_frame_that_asks_for_a_window_of_gigabytes_is_refused() -> None:
    magic, descriptor, window_of_2_tib = b"\x28\xb5\x2f\xfd", b"\x00", b"\xf8"
    empty_last_block = b"\x01\x00\x00"
    frame = magic + descriptor + window_of_2_tib + empty_last_block

    with pytest.raises(UnreadableError, match="its zstd content is damaged"):
        [*decompressed(iter([frame]), "zstd")]


@settings(max_examples=examples(60))
@given(
    st.sampled_from([*BOMBS]),
    st.integers(0, 3_000),
    st.binary(max_size=8),
    st.booleans(),
)
def test_a_damaged_volume_is_read_or_unreadable(
    method: str, offset: int, damage: bytes, cut: bool
) -> None:
    whole = json.dumps([{"id": n, "text": "x" * (n % 7)} for n in range(300)]).encode()
    packed = gzip.compress(whole, mtime=0) if method == "gzip" else zstd.compress(whole)
    offset %= len(packed)
    content = packed[:offset] + damage + (b"" if cut else packed[offset + len(damage) :])

    # anything but this error fails the test
    with suppress(UnreadableError):
        assert sum(map(len, decompressed(iter([content[:100], content[100:]]), method))) < MIB


@settings(max_examples=examples(100))
@given(st.one_of(st.binary(max_size=100), odd_json))
@example(b'{"a":1e99999999999999999999999}')
@example(b'{"a":' + b"9" * 100_000 + b"}")
@example(b'{"a":-' + b"9" * 5_000 + b"e-" + b"9" * 30 + b"}")
@example(DEEP_OBJECT)
@example(DEEP_LIST)
@example(b"\xff")
@example(b'{"a":"\x00"}')
@example(b'{"a":"\\ud800"}')
def test_any_bytes_are_a_row_or_none(content: Any) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()

    assert is_json_object(raw) in (True, False)


def test_one_giant_row_takes_its_own_size_a_few_times_and_is_not_read_over_and_over() -> None:
    size, piece = 32 * MIB, 64 * 1024
    row = (b"x" * piece for _ in range(size // piece))

    tracemalloc.start()
    [[whole]] = [*split_rows(row)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(whole) == size
    assert peak < 4 * size


@settings(max_examples=examples(60))
@given(st.lists(st.binary(max_size=30) | st.sampled_from([b",\n", b"\n", b","]), max_size=12))
def test_any_bytes_of_a_part_are_rows_or_refused(pieces: list[bytes]) -> None:
    try:
        rows = [row for some in split_rows(pieces) for row in some]
    except ChecksumError:
        return
    assert b",\n".join(rows) in (b"".join(pieces), b"".join(pieces).removesuffix(b",\n"))
