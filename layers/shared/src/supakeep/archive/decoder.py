"""What a backup's stored volumes hold of its document."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing

from supakeep.archive.compression import UnreadableError
from supakeep.archive.encoding import Encoding
from supakeep.archive.encryption import NO_IDENTITIES, Identities
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import DecryptionError


class Decoder:
    """Decompresses and, with the `identities` that it was unlocked with, decrypts volumes of one backup."""

    def __init__(self, manifest: Manifest) -> None:
        """Raises FormatVersionError for a compression that this version does not know."""
        self._backup = manifest.backup
        self._encoding = Encoding.of_manifest(manifest)
        self._identities = NO_IDENTITIES

    @property
    def is_encrypted(self) -> bool:
        return bool(self._encoding.recipients)

    @property
    def is_open(self) -> bool:
        """The backup is not encrypted, or one of the identities is that of a recipient."""
        return not self.is_encrypted or self.opens(self._encoding.recipients)

    def opens(self, recipients: Iterable[str]) -> bool:
        """Whether one of the identities is that of one of these recipients."""
        return not set(recipients).isdisjoint(self._identities.recipients)

    def unlock(self, identities: Callable[[], Identities]) -> None:
        """Decrypts with these private keys from now on; they are asked for only where the backup is
        encrypted.
        """
        if self.is_encrypted:
            self._identities = identities()

    def require_identity(self) -> None:
        """Raises DecryptionError unless the backup can be decrypted, or is not encrypted."""
        recipients, given = self._encoding.recipients, self._identities.recipients
        if self.is_open:
            return
        if given:
            raise _another_key(self._backup, recipients, given)
        raise _no_key(self._backup, recipients)

    def file_content(
        self, encoding: str, stored: Generator[bytes, None, None]
    ) -> Generator[bytes, None, None]:
        """The bytes of a file whose object's name ends in `encoding`. Raises as `content` does."""
        yield from Encoding.of_suffix(encoding).decode(stored, self._identities)

    def content(
        self, volume: VolumeEntry, stored: Generator[bytes, None, None]
    ) -> Generator[bytes, None, None]:
        """The volume's bytes of the document, no more of them than the manifest says.

        Raises UnreadableError where `stored` is not what was written, and as `require_identity`.
        """
        if self._encoding.is_plain:
            yield from stored
            return
        self.require_identity()
        size, whole = 0, volume.size_in_document
        with closing(self._encoding.decode(stored, self._identities)) as pieces:
            for piece in pieces:
                size += len(piece)
                if size > whole:
                    raise UnreadableError(f"it holds more of the document than {whole:,} bytes")
                yield piece
        if size != whole:
            raise UnreadableError(f"it holds {size:,} bytes of the document instead of {whole:,}")


def _no_key(backup: str, recipients: Sequence[str]) -> DecryptionError:
    return DecryptionError(
        f"{backup} is encrypted, and no identity was given to open it",
        operation="decrypt",
        key=backup,
        hint=f"Give the private key of {_one_of(recipients)}: --identity FILE, "
        "SUPAKEEP_IDENTITY_FILE or AGE_IDENTITY. The functions take AGE_IDENTITY from the secret.",
    )


def _another_key(backup: str, recipients: Sequence[str], given: Sequence[str]) -> DecryptionError:
    return DecryptionError(
        f"{backup} was encrypted to {_one_of(recipients)}, and the identity that was given is that "
        f"of {_one_of(given)}",
        operation="decrypt",
        key=backup,
        hint="Give the private key of one of the keys that it was encrypted to.",
    )


def _one_of(keys: Sequence[str]) -> str:
    return " or ".join(keys)
