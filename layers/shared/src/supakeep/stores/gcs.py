"""A bucket of Google Cloud Storage as an object store."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO, NoReturn

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError, TransportError
from requests.exceptions import RequestException

from supakeep.errors import (
    BucketNotFoundError,
    InvalidRequestError,
    ObjectAlreadyExistsError,
    ObjectLockedError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of
from supakeep.ports import StoredObject
from supakeep.stores.deletion import delete_each
from supakeep.stores.hints import MISSING_OBJECT_HINT, TAKEN_KEY_HINT
from supakeep.system import temporary_file

# one request each
_PIECE_BYTES = 8 * 1024 * 1024


class GcsObjectStore:
    """One bucket, or what lies under `prefix` in it, through a ready `google.cloud.storage.Client`.

    What is repeated is repeated by whoever wraps this: the client itself does not. `timeout_seconds`
    are those for a connection and for an answer.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        *,
        name: str,
        prefix: str = "",
        timeout_seconds: tuple[float, float] = (5, 30),
    ) -> None:
        self.name = name
        self._client = client
        self._bucket = client.bucket(bucket)
        self._folder = f"{prefix}/" if prefix else ""
        self._once = {"retry": None, "timeout": timeout_seconds}

    def require_private(self) -> None:
        """Asks only whether the bucket is there: how it is shared needs rights that a copy has not."""
        with self._mapped_errors("upload", self._bucket.name):
            next(iter(self._blobs("", max_results=1)), None)

    def spool(self, key: str) -> BinaryIO:  # noqa: ARG002 (the port's)
        return temporary_file()

    def put(self, key: str, content: BinaryIO) -> None:
        # write-once, decided by the server: no generation of the object may exist
        self._upload(key, content, if_generation_match=0)

    def replace(self, key: str, content: BinaryIO) -> None:
        self._upload(key, content)

    def _upload(self, key: str, content: BinaryIO, **conditions: int) -> None:
        start = content.tell()
        size = content.seek(0, io.SEEK_END) - start
        content.seek(start)
        with self._mapped_errors("upload", key):
            self._blob(key).upload_from_file(
                content,
                size=size,
                content_type="application/json",
                checksum="crc32c",
                **conditions,
                **self._once,
            )

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._mapped_errors("download", key):
            blob = self._blob(key)
            blob.reload(**self._once)
            yield self._pieces(blob, key)

    def _pieces(self, blob: Any, key: str) -> Iterator[bytes]:
        """Ranges of the generation that was there at first, so that all are of one object."""
        given = 0
        while given < blob.size:
            with self._mapped_errors("download", key):
                piece = blob.download_as_bytes(
                    start=given,
                    end=min(given + _PIECE_BYTES, blob.size) - 1,
                    if_generation_match=blob.generation,
                    raw_download=True,
                    checksum=None,
                    **self._once,
                )
            if not piece:
                raise StorageUnavailableError(
                    f"{key} ended after {given:,} of {blob.size:,} bytes",
                    operation="download",
                    key=key,
                )
            given += len(piece)
            yield piece

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._mapped_errors("list", prefix):
            for blob in self._blobs(prefix):
                key = blob.name.removeprefix(self._folder)
                yield StoredObject(key, blob.size, blob.updated)

    def delete(self, key: str) -> None:
        with self._mapped_errors("delete", key):
            try:
                self._blob(key).delete(**self._once)
            except NotFound:
                return
            except GoogleAPICallError as exc:
                if (why := self._lock_of(key)) is None:
                    raise
                raise ObjectLockedError(
                    f"{key} in {self.name} is {why}", operation="delete", key=key
                ) from exc

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return delete_each(self.delete, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self.delete_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        file_name = key.rpartition("/")[2]
        try:
            url: str = self._blob(key).generate_signed_url(
                version="v4",
                expiration=dt.timedelta(seconds=expires_in_seconds),
                response_disposition=f'attachment; filename="{file_name}"',
            )
        except (AttributeError, TypeError) as exc:
            # only a key of a service account can sign; others fail in either way
            raise InvalidRequestError(
                f"The credentials of {self.name} cannot sign addresses to download from",
                operation="sign",
                key=key,
                hint="Use the key of a service account, or `supakeep download`.",
            ) from exc
        return url

    def _blob(self, key: str) -> Any:
        return self._bucket.blob(self._folder + key)

    def _blobs(self, prefix: str, **options: Any) -> Any:
        return self._client.list_blobs(
            self._bucket, prefix=self._folder + prefix, **options, **self._once
        )

    def _lock_of(self, key: str) -> str | None:
        """Why the object may not be deleted yet, as far as that can be read; None without a lock."""
        blob = self._blob(key)
        try:
            blob.reload(**self._once)
        except GoogleAPICallError:
            return None
        if blob.temporary_hold or blob.event_based_hold:
            return "locked by a hold"
        until = blob.retention_expiration_time
        return f"still locked until {until:%Y-%m-%d %H:%M} UTC" if until else None

    @contextmanager
    def _mapped_errors(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except GoogleAPICallError as exc:
            _raise_mapped(exc, operation, key, self._bucket.name)
        except (RequestException, TransportError) as exc:
            raise StorageUnavailableError(
                f"Google Cloud Storage did not answer: {no_answer_of(exc).reason}",
                operation=operation,
                key=key,
                hint="Check this machine's network. Otherwise try again later.",
            ) from exc
        except GoogleAuthError as exc:
            raise StoragePermissionError(
                f"Google's credentials do not work: {type(exc).__name__}",
                operation=operation,
                key=key,
                hint="Name a variable with a service account's key as `credentials` of the copy, or "
                "run `gcloud auth application-default login`.",
            ) from exc


def _raise_mapped(error: GoogleAPICallError, operation: str, key: str, bucket: str) -> NoReturn:
    """The one place where Google's errors become ours, by their codes."""
    status = error.code
    # of an object that is missing, only a download says so
    if status == HTTPStatus.NOT_FOUND and operation == "download":
        raise ObjectNotFoundError(
            f"{key} is not in {bucket}", operation=operation, key=key, hint=MISSING_OBJECT_HINT
        ) from error
    if status == HTTPStatus.NOT_FOUND:
        raise BucketNotFoundError(
            f"The bucket gs://{bucket} does not exist",
            operation=operation,
            key=key,
            hint="Correct the name (--from, --to, [[copy]]), or create the bucket.",
        ) from error
    if status == HTTPStatus.PRECONDITION_FAILED and operation == "upload":
        raise ObjectAlreadyExistsError(
            f"{key} is in {bucket} already", operation=operation, key=key, hint=TAKEN_KEY_HINT
        ) from error
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise StoragePermissionError(
            f"Permission denied by Google Cloud Storage for {bucket}",
            operation=operation,
            key=key,
            hint="The service account needs the role Storage Object Admin on the bucket.",
        ) from error
    busy = status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if busy or status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT):
        raise StorageUnavailableError(
            f"Google Cloud Storage could not answer: {status}",
            operation=operation,
            key=key,
            hint="Try again later. If it stays like this, look at https://status.cloud.google.com.",
        ) from error
    raise StorageError(
        f"Google Cloud Storage refused: {status}",
        operation=operation,
        key=key,
        hint="https://cloud.google.com/storage/docs/json_api/v1/status-codes explains the number.",
    ) from error
