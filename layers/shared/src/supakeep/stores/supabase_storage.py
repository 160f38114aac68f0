"""Supabase Storage as an object store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, NoReturn
from urllib.parse import quote

import httpx
from storage3.exceptions import StorageApiError

from supakeep.errors import (
    BucketNotFoundError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of
from supakeep.ports import StoredObject
from supakeep.retries import requested_pause
from supakeep.stores.deletion import delete_in_batches
from supakeep.stores.hints import MISSING_OBJECT_HINT, TAKEN_KEY_HINT
from supakeep.stores.spool import temporary_spool
from supakeep.stores.supabase_listing import (
    Entry,
    entries_by_cursor,
    entries_by_offset,
)
from supakeep.stores.supabase_policies import open_policies
from supakeep.supabase_gateway import RESTRICTED_STATUSES, key_headers, tls_context

_PIECE_BYTES = 1024 * 1024
_LATER = (
    "Try again later. If it stays like this, check in the Supabase dashboard whether the project is paused "
    "or restarting."
)


def storage_client(*, connect_seconds: float = 10, read_seconds: float = 120) -> httpx.Client:
    """A client for Storage with these limits: for a connection, and for each piece of an answer."""
    timeout = httpx.Timeout(read_seconds, connect=connect_seconds)
    return httpx.Client(verify=tls_context(), timeout=timeout, follow_redirects=False)


class SupabaseObjectStore:
    """One bucket of a project's Storage. `url` and `key` as in SupabaseRestDatabase."""

    def __init__(
        self,
        url: str,
        key: str,
        bucket: str,
        *,
        name: str = "primary",
        client: httpx.Client | None = None,
    ) -> None:
        self.name = name
        self._bucket = bucket
        self._project_url = url.rstrip("/")
        self._url = f"{self._project_url}/storage/v1"
        self._headers = key_headers(key)
        self._client = client or storage_client()
        self._has_cursor: bool | None = None

    def require_private(self) -> None:
        with self._mapped_errors("upload", self._bucket):
            public = self._bucket_details("upload")["public"]
            if not isinstance(public, bool | int):  # Supabase Lite may say 0 and 1
                raise TypeError("a bucket is public or not")
        if public:
            raise _public_bucket(self._bucket)
        with self._mapped_errors("upload", self._bucket):
            policies = open_policies(self._client, self._project_url, self._headers, self._bucket)
        if policies:
            raise _opened_bucket(self._bucket, policies)

    def spool(self, key: str) -> BinaryIO:  # noqa: ARG002 (the port's)
        return temporary_spool()

    def put(self, key: str, content: BinaryIO) -> None:
        # storage3's upload() takes a file of two classes only; httpx streams any
        with self._mapped_errors("upload", key):
            response = self._client.post(
                self._address("object", key),
                headers={**self._headers, "x-upsert": "false"},
                data={"cacheControl": "no-cache"},
                files={"file": (key, content, "application/json")},
            )
            _raise_for_error(response, "upload", key)
            if response.json()["Key"] != f"{self._bucket}/{key}":
                raise _unavailable("upload", key, "it answered for another object")

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        # storage3's download() would hold the whole object in memory
        with (
            self._mapped_errors("download", key),
            self._client.stream(
                "GET", self._address("object", key), headers=self._headers
            ) as response,
        ):
            _raise_for_error(response, "download", key)
            yield self._pieces(response, key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        folder, _, start = prefix.rpartition("/")
        is_empty = True
        with self._mapped_errors("list", folder):
            for entry in self._entries(prefix, folder, start):
                is_empty = False
                stored = _stored_object(folder, entry)
                if stored is not None and stored.key.startswith(prefix):
                    yield stored
        if is_empty:
            # an empty listing proves nothing: a bucket that does not exist gives one too
            self._bucket_details("list")

    def delete(self, key: str) -> None:
        self._delete_batch([key])

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return delete_in_batches(self._delete_batch, keys)

    def _delete_batch(self, keys: Sequence[str]) -> dict[str, StorageError]:
        key = keys[0]
        # by storage3's remove(), what the server says beside the status would be lost
        with self._mapped_errors("delete", key):
            response = self._client.request(
                "DELETE",
                f"{self._url}/object/{quote(self._bucket)}",
                headers=self._headers,
                json={"prefixes": list(keys)},
            )
            _raise_for_error(response, "delete", key)
            if not isinstance(response.json(), list):
                raise TypeError("a deletion answers with the objects that are gone")
        return {}

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        # storage3's create_signed_url() takes no answer that spells the field as Supabase Lite does
        with self._mapped_errors("sign", key):
            response = self._client.post(
                self._address("object/sign", key),
                headers=self._headers,
                json={"expiresIn": expires_in_seconds},
            )
            _raise_for_error(response, "sign", key)
            answer = response.json()
            path: str = answer["signedURL" if "signedURL" in answer else "signedUrl"]
            if not isinstance(path, str):
                raise TypeError("an address is a text")
        address = f"{self._url}/{path.lstrip('/').removeprefix('storage/v1/')}"
        # with this, a browser saves the object instead of showing it
        return f"{address}&download={quote(key.rpartition('/')[2])}"

    def _address(self, route: str, key: str) -> str:
        return f"{self._url}/{route}/{quote(self._bucket)}/{quote(key)}"

    def _entries(self, prefix: str, folder: str, start: str) -> Iterator[Entry]:
        if self._lists_by_cursor():
            return entries_by_cursor(partial(self._ask, "object/list-v2"), prefix)
        return entries_by_offset(partial(self._ask, "object/list"), folder, start)

    def _lists_by_cursor(self) -> bool:
        """Whether the server has `list-v2`; one that has not takes the address for an object's."""
        # not a cached property: until Python 3.12, one store's question would hold up all others
        if self._has_cursor is None:
            self._has_cursor = self._takes_cursor()
        return self._has_cursor

    def _takes_cursor(self) -> bool:
        try:
            self._ask("object/list-v2", {"limit": 1})
        except StorageError as exc:
            if exc.retryable or isinstance(exc, StoragePermissionError):
                raise
            return False
        return True

    def _ask(self, route: str, body: dict[str, Any]) -> Any:
        address = f"{self._url}/{route}/{quote(self._bucket)}"
        response = self._client.post(address, headers=self._headers, json=body)
        _raise_for_error(response, "list", self._bucket)
        return response.json()

    def _bucket_details(self, operation: str) -> dict[str, Any]:
        """What Storage says about the bucket. Raises BucketNotFoundError where there is none."""
        with self._mapped_errors(operation, self._bucket):
            # storage3's get_bucket() takes no dates as Supabase Lite prints them
            response = self._client.get(
                f"{self._url}/bucket/{quote(self._bucket)}", headers=self._headers
            )
            _raise_for_error(response, operation, self._bucket)
            details: dict[str, Any] = response.json()
            if details["name"] != self._bucket:
                raise _unavailable(operation, self._bucket, "it answered for another bucket")
            return details

    def _pieces(self, response: httpx.Response, key: str) -> Iterator[bytes]:
        with self._mapped_errors("download", key):
            yield from response.iter_bytes(_PIECE_BYTES)

    @contextmanager
    def _mapped_errors(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
            # the last three: an answer of 200 that is not Storage's, such as a proxy's page
            raise _unavailable(operation, key, *no_answer_of(exc)) from exc


def _stored_object(folder: str, entry: dict[str, Any]) -> StoredObject | None:
    """None for a sub-folder, which has no metadata."""
    if not entry.get("metadata"):
        return None
    name: str = entry["name"]
    # the real server answers names, Supabase Lite whole keys
    key = name if name.startswith(f"{folder}/") else f"{folder}/{name}"
    modified_at = dt.datetime.fromisoformat(entry["updated_at"])
    return StoredObject(key, int(entry["metadata"]["size"]), modified_at)


def _raise_for_error(response: httpx.Response, operation: str, key: str) -> None:
    if response.is_success:
        return
    if response.status_code in RESTRICTED_STATUSES:
        message, hint = RESTRICTED_STATUSES[response.status_code]
        message = f"{message} (HTTP {response.status_code})"
        raise StorageError(message, operation=operation, key=key, hint=hint)
    response.read()
    try:
        body = response.json()
        error = StorageApiError(body["message"], body["error"], body["statusCode"])
    except (ValueError, KeyError, TypeError):
        error = StorageApiError(response.reason_phrase, "InternalError", response.status_code)
    try:
        _raise_mapped(error, operation, key)
    except StorageUnavailableError as exc:
        exc.retry_after_seconds = requested_pause(response.headers.get("retry-after"))
        raise


def _raise_mapped(exc: StorageApiError, operation: str, key: str) -> NoReturn:
    """The one place where Storage's errors become ours, by their codes."""
    status, code = str(exc.status), exc.code
    if code in ("Bucket not found", "NoSuchBucket") or (operation == "upload" and status == "404"):
        raise _bucket_not_found(operation, key) from exc
    if status == "404":
        raise ObjectNotFoundError(
            f"{key} is not in Storage", operation=operation, key=key, hint=MISSING_OBJECT_HINT
        ) from exc
    if status == "409":
        raise ObjectAlreadyExistsError(
            f"{key} is in Storage already", operation=operation, key=key, hint=TAKEN_KEY_HINT
        ) from exc
    if status in ("401", "403"):
        raise StoragePermissionError(
            "Permission denied",
            operation=operation,
            key=key,
            hint="Check SUPABASE_SERVICE_ROLE_KEY: Storage wants the secret key (service role).",
        ) from exc
    if status == "413":
        raise StorageError(
            f"{key} is larger than Storage allows",
            operation=operation,
            key=key,
            hint="Lower MAX_OBJECT_BYTES below the bucket's and the project's file size limit.",
        ) from exc
    if status == "429" or status.startswith("5"):
        raise _unavailable(operation, key, f"{exc.message} ({status})") from exc
    raise StorageError(
        f"Storage refused: {exc.message} ({status})",
        operation=operation,
        key=key,
        hint="Supabase's dashboard has the request under Logs, Storage, with the reason.",
    ) from exc


def _bucket_not_found(operation: str, key: str) -> BucketNotFoundError:
    failed = "Upload failed: " if operation == "upload" else ""
    return BucketNotFoundError(
        f"{failed}Storage bucket not found",
        operation=operation,
        key=key,
        hint="Run what `supakeep migration` prints in the SQL editor. It creates the private bucket. If it is "
        "there, check SUPABASE_SERVICE_ROLE_KEY: Storage hides the bucket from every other key.",
    )


def _public_bucket(bucket: str) -> StorageError:
    literal = bucket.replace("'", "''")
    # a sentence to read: nothing runs it
    statement = f"update storage.buckets set public = false where id = '{literal}';"  # noqa: S608
    return StorageError(
        f'The bucket "{bucket}" is public: anyone could download the backups without a key',
        operation="upload",
        key=bucket,
        hint="Make it private in the dashboard (Storage, the bucket's menu, Edit bucket), or run: "
        f"{statement}",
    )


def _opened_bucket(bucket: str, policies: Sequence[str]) -> StorageError:
    return StorageError(
        f'The bucket "{bucket}" is open: others than the secret key may read the backups, '
        f"because of {', '.join(policies)} on storage.objects",
        operation="upload",
        key=bucket,
        hint="Restrict each of these policies to its own bucket, for example: "
        "using (bucket_id = 'avatars').",
    )


def _unavailable(
    operation: str, key: str, why: str, fix: str | None = None
) -> StorageUnavailableError:
    message, otherwise = "Storage did not answer", _LATER
    if operation == "download":
        message = "Failed to download backup"
        otherwise = "Try again later, or read another copy (--from and the name of its store)."
    return StorageUnavailableError(
        f"{message}: {why}", operation=operation, key=key, hint=fix or otherwise
    )
