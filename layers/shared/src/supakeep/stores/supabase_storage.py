"""Supabase Storage as an object store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

from supakeep.errors import (
    StorageError,
    StoragePermissionError,
)
from supakeep.ports import StoredObject
from supakeep.stores.deletion import delete_in_batches
from supakeep.stores.supabase_errors import mapped_errors, raise_for_error, unavailable
from supakeep.stores.supabase_listing import (
    Entry,
    entries_by_cursor,
    entries_by_offset,
)
from supakeep.stores.supabase_policies import open_policies
from supakeep.supabase_gateway import key_headers
from supakeep.system import temporary_file
from supakeep.tls import tls_context

_PIECE_BYTES = 1024 * 1024


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
        with mapped_errors("upload", self._bucket):
            public = self._bucket_details("upload")["public"]
            if not isinstance(public, bool | int):  # Supabase Lite may say 0 and 1
                raise TypeError("a bucket is public or not")
        if public:
            raise _public_bucket(self._bucket)
        with mapped_errors("upload", self._bucket):
            policies = open_policies(self._client, self._project_url, self._headers, self._bucket)
        if policies:
            raise _opened_bucket(self._bucket, policies)

    def spool(self, key: str) -> BinaryIO:  # noqa: ARG002 (the port's)
        return temporary_file()

    def put(self, key: str, content: BinaryIO) -> None:
        self._upload(key, content, upsert="false")

    def replace(self, key: str, content: BinaryIO) -> None:
        self._upload(key, content, upsert="true")

    def _upload(self, key: str, content: BinaryIO, *, upsert: str) -> None:
        # storage3's upload() takes a file of two classes only; httpx streams any
        with mapped_errors("upload", key):
            response = self._client.post(
                self._address("object", key),
                headers={**self._headers, "x-upsert": upsert},
                data={"cacheControl": "no-cache"},
                files={"file": (key, content, "application/json")},
            )
            raise_for_error(response, "upload", key)
            if response.json()["Key"] != f"{self._bucket}/{key}":
                raise unavailable("upload", key, "it answered for another object")

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        # storage3's download() would hold the whole object in memory
        with (
            mapped_errors("download", key),
            self._client.stream(
                "GET", self._address("object", key), headers=self._headers
            ) as response,
        ):
            raise_for_error(response, "download", key)
            yield self._pieces(response, key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        folder, _, start = prefix.rpartition("/")
        is_empty = True
        with mapped_errors("list", folder):
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
        with mapped_errors("delete", key):
            response = self._client.request(
                "DELETE",
                f"{self._url}/object/{quote(self._bucket)}",
                headers=self._headers,
                json={"prefixes": list(keys)},
            )
            raise_for_error(response, "delete", key)
            if not isinstance(response.json(), list):
                raise TypeError("a deletion answers with the objects that are gone")
        return {}

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self.delete_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        # storage3's create_signed_url() takes no answer that spells the field as Supabase Lite does
        with mapped_errors("sign", key):
            response = self._client.post(
                self._address("object/sign", key),
                headers=self._headers,
                json={"expiresIn": expires_in_seconds},
            )
            raise_for_error(response, "sign", key)
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
        raise_for_error(response, "list", self._bucket)
        return response.json()

    def _bucket_details(self, operation: str) -> dict[str, Any]:
        """What Storage says about the bucket. Raises BucketNotFoundError where there is none."""
        with mapped_errors(operation, self._bucket):
            # storage3's get_bucket() takes no dates as Supabase Lite prints them
            response = self._client.get(
                f"{self._url}/bucket/{quote(self._bucket)}", headers=self._headers
            )
            raise_for_error(response, operation, self._bucket)
            details: dict[str, Any] = response.json()
            if details["name"] != self._bucket:
                raise unavailable(operation, self._bucket, "it answered for another bucket")
            return details

    def _pieces(self, response: httpx.Response, key: str) -> Iterator[bytes]:
        with mapped_errors("download", key):
            yield from response.iter_bytes(_PIECE_BYTES)


def _stored_object(folder: str, entry: dict[str, Any]) -> StoredObject | None:
    """None for a sub-folder, which has no metadata."""
    if not entry.get("metadata"):
        return None
    name: str = entry["name"]
    # the real server answers names, Supabase Lite whole keys
    key = name if name.startswith(f"{folder}/") else f"{folder}/{name}"
    modified_at = dt.datetime.fromisoformat(entry["updated_at"])
    return StoredObject(key, int(entry["metadata"]["size"]), modified_at)


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
