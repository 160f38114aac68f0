from __future__ import annotations

import gzip
import json
import threading
import tracemalloc
import zlib
from pathlib import Path
from random import Random
from typing import BinaryIO

import pyrage
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from supakeep.archive.encoding import Encoding
from supakeep.archive.encryption import NO_IDENTITIES, Identities
from supakeep.archive.manifest import encode_manifest, parse_manifest
from supakeep.archive.reader import BackupReader
from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.upload import BackupUpload
from supakeep.archive.writer import VolumeWriter
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import (
    ChecksumError,
    ConfigurationError,
    DecryptionError,
    FormatVersionError,
    ManifestError,
    StorageUnavailableError,
)
from supakeep.stores.folder import FolderObjectStore
from tests.builders.backups import CUSTOMERS, ITEMS, NAME, ORDERS, a_shop, back_up, document_of
from tests.builders.examples import examples
from tests.builders.keys import OURS, PAPER, STRANGERS
from tests.fakes.faulty_object_store import BitFlippingObjectStore, TruncatingObjectStore
from tests.fakes.object_store import InMemoryObjectStore

SHOP = a_shop()
WHOLE = InMemoryObjectStore()
DOCUMENT = document_of(WHOLE, back_up(SHOP, WHOLE))
RECIPIENTS = (OURS.public, PAPER.public)
ENCODINGS = {
    ".gz": Encoding("gzip", 9),
    ".zst": Encoding("zstd", 1),
    ".age": Encoding(recipients=RECIPIENTS),
    ".gz.age": Encoding("gzip", None, RECIPIENTS),
    ".zst.age": Encoding("zstd", None, RECIPIENTS),
}
# room for a header of two recipients and for a few rows
SMALL = 1_900


def random_bytes(size: int) -> bytes:
    """What nothing can compress, the same each time."""
    return Random(1).randbytes(size)  # noqa: S311


encodings = pytest.mark.parametrize("suffix", ENCODINGS)


def a_policy(suffix: str) -> BackupPolicy:
    encoding = ENCODINGS[suffix]
    storage = f'[storage]\ncompression = "{encoding.compression or "none"}"\n'
    level = f"level = {encoding.level}\n" if encoding.level else ""
    recipients = json.dumps(encoding.recipients)
    return BackupPolicy.parse(
        f'[backup]\ntables = "*"\n{storage}{level}[encryption]\nrecipients = {recipients}\n'
    )


def stored(suffix: str, max_object_bytes: int = SMALL) -> tuple[InMemoryObjectStore, Manifest]:
    store = InMemoryObjectStore(piece_bytes=64)
    manifest = back_up(SHOP, store, policy=a_policy(suffix), max_object_bytes=max_object_bytes)
    return store, manifest


def reader_of(manifest: Manifest, store: InMemoryObjectStore) -> BackupReader:
    reader = BackupReader(manifest, [store])
    reader.decoder.unlock(lambda: Identities(OURS.private))
    return reader


def opened(suffix: str, content: bytes, private: str = OURS.private) -> bytes:
    """What another program makes of an object with this suffix."""
    if suffix.endswith(".age"):
        content = pyrage.decrypt(content, [pyrage.x25519.Identity.from_str(private)])
    if ".gz" in suffix:
        return gzip.decompress(content)
    return zstd.decompress(content) if ".zst" in suffix else content


@encodings
def test_each_object_opens_by_itself_and_all_of_them_are_the_document(suffix: str) -> None:
    store, manifest = stored(suffix)

    pieces = [opened(suffix, store.objects[volume.key]) for volume in manifest.volumes]

    assert b"".join(pieces) == DOCUMENT
    assert [volume.document_bytes for volume in manifest.volumes] == [len(p) for p in pieces]
    assert [volume.bytes for volume in manifest.volumes] == [
        len(store.objects[volume.key]) for volume in manifest.volumes
    ]
    assert len(pieces) > 1


@pytest.mark.parametrize("private", [OURS.private, PAPER.private], ids=["ours", "paper"])
def test_either_of_two_recipients_opens_a_backup(private: str) -> None:
    store, manifest = stored(".zst.age", 10_000)
    [volume] = manifest.volumes

    assert opened(".zst.age", store.objects[volume.key], private) == DOCUMENT


@encodings
@pytest.mark.parametrize("max_object_bytes", [SMALL, 1_000_000])
def test_every_part_is_read_back_through_compression_and_encryption(
    suffix: str, max_object_bytes: int
) -> None:
    store, manifest = stored(suffix, max_object_bytes)
    reader = reader_of(parse_manifest(encode_manifest(manifest), NAME.manifest_key), store)

    for table in (CUSTOMERS, ITEMS, ORDERS):
        entry = manifest.entry(table)
        assert entry is not None
        rows = b"".join(b"".join(reader.read_part(part)) for part in entry.parts)
        assert rows == b",\n".join(SHOP.texts(table))


@encodings
def test_objects_are_named_by_how_they_are_stored(suffix: str) -> None:
    document = f"{NAME.document_key}{suffix}"

    _, single = stored(suffix, 100_000)
    with VolumeWriter(
        BackupUpload(InMemoryObjectStore(), ()), NAME.document_key, SMALL, ENCODINGS[suffix]
    ) as volumes:
        volumes.write(bytes(2 * SMALL))
        several = volumes.finish()

    assert [volume.key for volume in single.volumes] == [document]
    assert several[0].key == f"{document}.001"
    assert several[1].key == f"{document}.002"


@settings(max_examples=examples(30))
@given(
    st.sampled_from([*ENCODINGS.values()]),
    st.integers(SMALL, 100_000).filter(lambda most: most < 2_500 or most > 20_000),
    st.integers(0, 20_000),
    st.randoms(use_true_random=False),
)
def test_no_object_is_larger_than_it_may_be_even_if_nothing_can_be_compressed(
    encoding: Encoding, most: int, size: int, random: Random
) -> None:
    # mostly several volumes, and not thousands
    size = size * most // 10_000 if most > 20_000 else size // 2
    content = random.randbytes(size)
    store = InMemoryObjectStore()

    with VolumeWriter(BackupUpload(store, ()), NAME.document_key, most, encoding) as volumes:
        volumes.write(content[: size // 3])
        volumes.write(content[size // 3 :])
        entries = volumes.finish()

    assert all(len(store.objects[entry.key]) == entry.bytes <= most for entry in entries)
    assert sum(entry.document_bytes or 0 for entry in entries) == size
    assert b"".join(opened(encoding.suffix, store.objects[e.key]) for e in entries) == content


def test_volumes_hold_nearly_as_much_as_they_may() -> None:
    assert ENCODINGS[".zst.age"].document_bytes_within(45 * 2**20) > 0.99 * 45 * 2**20


def test_a_limit_without_room_for_the_header_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="which leaves no room for rows"):
        stored(".age", 1_400)


def started_since(before: list[threading.Thread]) -> list[threading.Thread]:
    """The threads that run now and did not then."""
    return [thread for thread in threading.enumerate() if thread not in before]


@encodings
def test_a_reader_that_stops_early_leaves_no_thread(suffix: str) -> None:
    store, manifest = stored(suffix, 100_000)
    entry = manifest.entry(CUSTOMERS)
    assert entry is not None
    before = threading.enumerate()

    pieces = reader_of(manifest, store).read_part(entry.parts[0])
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]

    assert started_since(before) == []


@encodings
def test_a_reader_of_much_that_stops_early_ends_its_thread(suffix: str) -> None:
    store = InMemoryPieces()
    with VolumeWriter(
        BackupUpload(store, ()), NAME.document_key, 45_000_000, ENCODINGS[suffix]
    ) as volumes:
        volumes.write(random_bytes(5_000_000))
        [volume] = volumes.finish()
    _, manifest = stored(suffix)
    manifest = manifest.model_copy(update={"volumes": (volume,)})
    before = threading.enumerate()

    pieces = reader_of(manifest, store).content(volume)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]

    assert started_since(before) == []


@encodings
@pytest.mark.parametrize("offset", [0, 40, 200, -30, -1])
def test_a_flipped_bit_is_damage_and_never_a_row(suffix: str, offset: int) -> None:
    store, manifest = stored(suffix, 100_000)
    [volume] = manifest.volumes
    flipped = BitFlippingObjectStore(store, volume.key, offset % volume.bytes)

    with pytest.raises(ChecksumError) as refused:
        _read_all(manifest, flipped)

    assert refused.value.key == volume.key


@encodings
def test_an_object_that_is_cut_short_is_damage(suffix: str) -> None:
    store, manifest = stored(suffix, 100_000)
    [volume] = manifest.volumes

    for keep in (0, 1, 30, volume.bytes // 2, volume.bytes - 1):
        with pytest.raises(ChecksumError):
            _read_all(manifest, TruncatingObjectStore(store, volume.key, keep))


def _read_all(manifest: Manifest, store: object) -> bytes:
    """The volumes' part of the document, to their ends: no checksum is compared."""
    reader = reader_of(manifest, store)  # type: ignore[arg-type]
    return b"".join(b"".join(reader.content(volume)) for volume in manifest.volumes)


@encodings
def test_bytes_behind_the_content_are_damage(suffix: str) -> None:
    store, manifest = stored(suffix, 100_000)
    [volume] = manifest.volumes
    store.place(volume.key, store.objects[volume.key] + b"\x00")

    with pytest.raises(ChecksumError):
        _read_all(manifest, store)


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".gz.age", ".zst.age"])
def test_a_decompression_bomb_ends_at_the_size_in_the_manifest(suffix: str) -> None:
    zeros = b"\x00" * 200_000_000
    bomb = gzip.compress(zeros, 9) if ".gz" in suffix else zstd.compress(zeros)
    if suffix.endswith(".age"):
        keys = [pyrage.x25519.Recipient.from_str(key) for key in RECIPIENTS]
        bomb = pyrage.encrypt(bomb, keys)
    store, manifest = stored(suffix, 100_000)
    [volume] = manifest.volumes
    store.place(volume.key, bomb)
    del zeros, bomb

    tracemalloc.start()
    try:
        with pytest.raises(ChecksumError, match="it holds more of the document than"):
            _read_all(manifest, InMemoryPieces(store))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


class InMemoryPieces(InMemoryObjectStore):
    """Reads in the pieces that a network gives."""

    def __init__(self, store: InMemoryObjectStore | None = None) -> None:
        super().__init__(piece_bytes=65_536)
        self.objects = store.objects if store else {}


def test_a_frame_that_asks_for_more_memory_than_the_format_allows_is_damage() -> None:
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    hungry = zstd.compress(random_bytes(20_000_000), options=options)
    store, manifest = stored(".zst", 100_000)
    [volume] = manifest.volumes
    store.place(volume.key, hungry)

    with pytest.raises(ChecksumError, match="its zstd content is damaged"):
        _read_all(manifest, store)


def test_what_the_store_says_comes_through_the_decryption() -> None:
    _, manifest = stored(".zst.age", 100_000)

    class Breaking(InMemoryObjectStore):
        def read(self, key: str):  # type: ignore[no-untyped-def]
            raise StorageUnavailableError("The store is down", operation="download", key=key)

    with pytest.raises(StorageUnavailableError, match="The store is down"):
        _read_all(manifest, Breaking())


class FullSpool:
    """A disk that fills up."""

    def __init__(self) -> None:
        self.is_closed = False

    def write(self, _: bytes) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.is_closed = True


@encodings
def test_a_disk_that_is_full_ends_the_backup_and_says_so(suffix: str) -> None:
    spool = FullSpool()

    class Store(InMemoryObjectStore):
        def spool(self, key: str) -> BinaryIO:  # noqa: ARG002
            return spool  # type: ignore[return-value]

    def write() -> None:
        with VolumeWriter(
            BackupUpload(Store(), ()), NAME.document_key, 9_000_000, ENCODINGS[suffix]
        ) as volumes:
            for _ in range(30):
                volumes.write(random_bytes(1_000_000))
            volumes.finish()

    with pytest.raises(OSError, match="No space left on device"):
        write()
    assert spool.is_closed


def test_no_spool_ever_holds_a_row_of_an_encrypted_backup() -> None:
    written: list[bytes] = []

    class Spool:
        def write(self, piece: bytes) -> int:
            written.append(bytes(piece))
            return len(piece)

        def seek(self, place: int) -> None: ...

        def read(self) -> bytes:
            return b"".join(written)

        def flush(self) -> None: ...

        def close(self) -> None: ...

    class Store(InMemoryObjectStore):
        def spool(self, key: str) -> BinaryIO:  # noqa: ARG002
            return Spool()  # type: ignore[return-value]

    with VolumeWriter(
        BackupUpload(Store(), ()), NAME.document_key, 9_000, ENCODINGS[".age"]
    ) as volumes:
        volumes.write(DOCUMENT)
        volumes.finish()

    assert written
    assert not any(word in b"".join(written) for word in (b"customer", b"balance", b"public."))


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    piece = random_bytes(65_536)
    store = FolderObjectStore(tmp_path)

    tracemalloc.start()
    try:
        with VolumeWriter(
            BackupUpload(store, ()), NAME.document_key, 20_000_000, ENCODINGS[".zst.age"]
        ) as volumes:
            for _ in range(1000):
                volumes.write(piece)
            volumes.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16_000_000


def test_a_volume_is_encoded_while_the_next_one_fills_and_a_failure_removes_every_spool(
    tmp_path: Path,
) -> None:
    store = FolderObjectStore(tmp_path)
    before = threading.enumerate()

    def break_off() -> None:
        with (
            BackupUpload(store, ()) as upload,
            VolumeWriter(upload, NAME.document_key, 100_000, ENCODINGS[".zst.age"]) as volumes,
        ):
            volumes.write(random_bytes(250_000))
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        break_off()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert started_since(before) == []


def test_without_an_identity_nothing_is_read_and_the_error_names_the_recipients() -> None:
    store, manifest = stored(".zst.age", 100_000)
    reader = BackupReader(manifest, [store])
    entry = manifest.entry(CUSTOMERS)
    assert entry is not None
    assert not reader.decoder.is_open

    with pytest.raises(DecryptionError, match="no identity was given to open it") as refused:
        list(reader.read_part(entry.parts[0]))

    assert refused.value.hint is not None
    assert f"{OURS.public} or {PAPER.public}" in refused.value.hint


def test_the_error_of_another_identity_names_both_sides_and_no_private_key() -> None:
    store, manifest = stored(".age", 100_000)
    reader = BackupReader(manifest, [store])
    reader.decoder.unlock(lambda: Identities(STRANGERS.private))

    with pytest.raises(DecryptionError) as refused:
        reader.decoder.require_identity()

    assert str(refused.value) == (
        f"{NAME} was encrypted to {OURS.public} or {PAPER.public}, "
        f"and the identity that was given is that of {STRANGERS.public}"
    )
    assert STRANGERS.private not in f"{refused.value!r} {refused.value.hint}"


def _never_asked() -> Identities:
    raise AssertionError


def test_a_backup_that_is_not_encrypted_needs_no_identity() -> None:
    store, manifest = stored(".zst", 100_000)

    reader = BackupReader(manifest, [store])
    reader.decoder.unlock(_never_asked)

    reader.decoder.require_identity()
    assert reader.decoder.is_open


def test_the_manifest_of_an_encrypted_backup_has_no_checksum_of_rows() -> None:
    _, manifest = stored(".zst.age")

    assert manifest.encryption is not None
    assert manifest.encryption.recipients == RECIPIENTS
    assert all(part.sha256 is None for entry in manifest.tables for part in entry.parts)


def test_a_manifest_whose_volumes_are_named_otherwise_is_not_trusted() -> None:
    _, manifest = stored(".zst.age", 100_000)
    changed = manifest.model_copy(update={"encryption": None})

    with pytest.raises(ManifestError, match="its volumes are not its own"):
        parse_manifest(encode_manifest(changed), NAME.manifest_key)


def test_a_compression_of_a_later_version_is_refused_in_a_clear_sentence() -> None:
    _, manifest = stored(".zst", 100_000)
    fields = json.loads(encode_manifest(manifest)) | {"compression": "brotli"}
    del fields["checksum"]
    content = json.dumps({**fields, "checksum": checksum_of(fields)}).encode()

    with pytest.raises(FormatVersionError, match="is compressed with brotli, which this version"):
        parse_manifest(content, NAME.manifest_key)


def test_gzip_that_ends_in_a_full_buffer_is_read_to_its_end() -> None:
    content = bytes(3 * 256 * 1024)
    member = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = member.compress(content) + member.flush()
    volume = VolumeEntry(key="k", bytes=len(piece), sha256="", document_bytes=len(content))

    stream = (part for part in [piece])
    assert b"".join(Encoding("gzip").decode(stream, NO_IDENTITIES)) == content
    assert volume.size_in_document == len(content)
