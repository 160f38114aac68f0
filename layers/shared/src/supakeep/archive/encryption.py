"""Encrypting and decrypting a volume as a stream, with age (https://age-encryption.org/v1)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from queue import Empty, Queue
from typing import Any, Protocol

from supakeep.archive.compression import UnreadableError
from supakeep.errors import ConfigurationError

# age's header takes about 100 bytes for each recipient and, with what it adds at random, 300 more
_HEADER_BYTES, _RECIPIENT_BYTES = 1024, 128
# age seals the content in chunks
_CHUNK_BYTES, _SEAL_BYTES = 64 * 1024, 16
_BATCH_BYTES = 256 * 1024
_MOST_BATCHES = 4


class Sink(Protocol):
    """Where encrypted bytes go."""

    def write(self, data: bytes, /) -> object: ...


class Identities:
    """Private keys of age. Nothing shows them."""

    def __init__(self, text: str | None = None) -> None:
        """`text` is that of an identity file. Raises ConfigurationError."""
        lines = enumerate((text or "").splitlines(), 1)
        keys = ((number, line.strip()) for number, line in lines)
        self._keys = [_identity(n, line) for n, line in keys if line and not line.startswith("#")]
        if text is not None and not self._keys:
            raise _unusable("The identity is empty")

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The public keys."""
        return tuple(str(key.to_public()) for key in self._keys)

    def decrypt(self, source: _Source, sink: Sink) -> None:
        import pyrage

        pyrage.decrypt_io(source, sink, self._keys)


NO_IDENTITIES = Identities()


def new_identity() -> tuple[str, str]:
    """A new pair of keys: the public one and the private one."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


def encrypt(pieces: Iterator[bytes], recipients: Sequence[str], sink: Sink) -> None:
    """Writes the pieces to `sink`, encrypted to these public keys."""
    import pyrage

    keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    source, guarded = _Source(pieces), _GuardedSink(sink)
    try:
        pyrage.encrypt_io(source, guarded, keys)
    except (pyrage.EncryptError, OSError) as exc:
        # pyrage makes an error of its own of what source and sink raise
        raise source.error or guarded.error or exc from None


def decrypted(
    pieces: Generator[bytes, None, None], identities: Identities
) -> Generator[bytes, None, None]:
    """What was encrypted, as it comes. Raises UnreadableError for what age did not write to one of
    these identities, and what `pieces` raises.
    """
    channel = _Channel()
    with ThreadPoolExecutor(1, "supakeep-decrypt") as pool:
        work = copy_context().run
        decryption = pool.submit(work, _decrypt_into, channel, pieces, identities)
        try:
            yield from channel.batches()
            decryption.result()
        finally:
            channel.abandon(decryption)


def encrypted_bytes_within(most: int, recipients: int) -> int:
    """How many bytes, encrypted to so many recipients, make at most `most`."""
    sealed = most - _HEADER_BYTES - recipients * _RECIPIENT_BYTES
    return sealed * _CHUNK_BYTES // (_CHUNK_BYTES + _SEAL_BYTES) - _SEAL_BYTES


def _decrypt_into(
    channel: _Channel, pieces: Generator[bytes, None, None], identities: Identities
) -> None:
    import pyrage

    with closing(pieces):
        source = _Source(pieces)
        try:
            identities.decrypt(source, channel)
        except (pyrage.DecryptError, OSError) as exc:
            if source.error is not None:
                raise source.error from None
            raise UnreadableError("age cannot decrypt it") from exc
        finally:
            channel.end()


class _Source:
    """Pieces as a file that is read from; `error` is what they raised."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        while not self._left:
            try:
                self._left = memoryview(next(self._pieces))
            except StopIteration:
                return b""
            except BaseException as exc:
                self.error = exc
                raise
        taken, self._left = self._left[:size], self._left[size:]
        return bytes(taken)


class _GuardedSink:
    """A sink; `error` is what it raised."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self._sink.write(data)
        except BaseException as exc:
            self.error = exc
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing is kept."""


class _Channel:
    """Hands what one thread writes to another one that reads, a limited number of bytes at a time."""

    def __init__(self) -> None:
        self._queue: Queue[bytes | None] = Queue(_MOST_BATCHES)
        self._batch = bytearray()
        self._is_abandoned = False

    def write(self, data: bytes) -> int:
        self._batch += data
        if len(self._batch) >= _BATCH_BYTES:
            self._hand_over()
        return len(data)

    def flush(self) -> None:
        """The end hands over what is left."""

    def end(self) -> None:
        if self._batch and not self._is_abandoned:
            self._hand_over()
        self._put(None)

    def batches(self) -> Iterator[bytes]:
        while (batch := self._queue.get()) is not None:
            yield batch

    def abandon(self, writing: Future[None]) -> None:
        """Nobody reads any more: the writer ends at its next batch."""
        self._is_abandoned = True
        while not writing.done():
            try:
                self._queue.get(timeout=0.01)
            except Empty:
                continue

    def _hand_over(self) -> None:
        batch, self._batch = bytes(self._batch), bytearray()
        self._put(batch)

    def _put(self, batch: bytes | None) -> None:
        if self._is_abandoned and batch is not None:
            raise BrokenPipeError
        self._queue.put(batch)


def _identity(number: int, line: str) -> Any:
    import pyrage

    if line.startswith("AGE-PLUGIN-"):
        raise _unusable(f"Line {number} of the identity is of a plugin, which is not supported")
    if line.startswith(("-----BEGIN", "age-encryption.org")):
        raise _unusable(
            "The identity is an SSH key, or is encrypted itself, which is not supported"
        )
    parse: Callable[[str], Any] = pyrage.x25519.Identity.from_str
    try:
        return parse(line)
    except pyrage.IdentityError:
        # its text may be the key
        raise _unusable(f"Line {number} of the identity is not a private key of age") from None


def _unusable(message: str) -> ConfigurationError:
    return ConfigurationError(
        message,
        operation="read identity",
        key="AGE_IDENTITY",
        hint="It is what age-keygen or `supakeep keygen` writes: a line that begins with "
        "AGE-SECRET-KEY-1. If age itself encrypts the file, decrypt it first: "
        "age -d key.age | supakeep … --identity -",
    )
