"""How a volume is stored: as it is, or compressed, then encrypted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Self

from supakeep.archive.compression import compressed, decompressed, uncompressed_bytes_within
from supakeep.archive.encryption import (
    Identities,
    Sink,
    decrypted,
    encrypt,
    encrypted_bytes_within,
)
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ConfigurationError, FormatVersionError

_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}
_LEAST_BYTES = 256


@dataclass(frozen=True)
class Encoding:
    """Every volume is encoded by itself: each one can be read without the others."""

    compression: str | None = None
    level: int | None = None
    recipients: tuple[str, ...] = ()

    @classmethod
    def of_policy(cls, policy: BackupPolicy) -> Self:
        storage = policy.storage
        compression = None if storage.compression == "none" else storage.compression
        return cls(compression, storage.level, tuple(policy.encryption.recipients))

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> Self:
        """Raises FormatVersionError for a compression that this version does not know."""
        if manifest.compression is not None and manifest.compression not in _SUFFIXES:
            raise FormatVersionError(
                f"{manifest.backup} is compressed with {manifest.compression}, which this version "
                "of Supakeep does not know",
                operation="read manifest",
                key=manifest.name.manifest_key,
                hint="Update Supakeep; nothing was changed.",
            )
        return cls(manifest.compression, None, manifest.recipients)

    @classmethod
    def of_suffix(cls, suffix: str) -> Self:
        """How an object whose name ends so is read."""
        compression = next((name for name, sign in _SUFFIXES.items() if sign in suffix), None)
        return cls(compression, None, ("somebody",) if suffix.endswith(".age") else ())

    @property
    def is_plain(self) -> bool:
        return self.compression is None and not self.recipients

    @property
    def suffix(self) -> str:
        """What is appended to the document's name."""
        return _SUFFIXES.get(self.compression or "", "") + (".age" if self.recipients else "")

    def document_bytes_within(self, max_object_bytes: int) -> int:
        """So much of a document is never more than `max_object_bytes` when it is stored, even if it
        cannot be compressed. Raises ConfigurationError where that is nothing.
        """
        most = max_object_bytes
        if self.recipients:
            most = encrypted_bytes_within(most, len(self.recipients))
        if self.compression is not None:
            most = uncompressed_bytes_within(most, self.compression)
        if self.is_plain or most >= _LEAST_BYTES:
            return most
        raise ConfigurationError(
            f"MAX_OBJECT_BYTES is {max_object_bytes:,}, which leaves no room for rows: the header of "
            f"an encrypted object with {len(self.recipients)} recipients takes all of it",
            operation="read settings",
            key="MAX_OBJECT_BYTES",
            hint="Raise it; the default is 45 MiB.",
        )

    def encode(self, pieces: Iterator[bytes], sink: Sink) -> None:
        """Writes a volume to `sink` as it is stored."""
        if self.compression is not None:
            pieces = compressed(pieces, self.compression, self.level)
        if self.recipients:
            encrypt(pieces, self.recipients, sink)
            return
        for piece in pieces:
            sink.write(piece)

    def decode(
        self, stored: Generator[bytes, None, None], identities: Identities
    ) -> Generator[bytes, None, None]:
        """A stored volume's part of the document. Raises UnreadableError where it is damaged."""
        pieces = decrypted(stored, identities) if self.recipients else stored
        if self.compression is None:
            yield from pieces
            return
        try:
            yield from decompressed(pieces, self.compression)
        finally:
            pieces.close()


PLAIN = Encoding()
