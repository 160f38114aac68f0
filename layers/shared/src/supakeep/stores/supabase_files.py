"""The files of a project's Storage, through Storage's own API."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

import httpx

from supakeep.domain.json_text import parsed, text_of
from supakeep.domain.project_file import Bucket, ProjectFile
from supakeep.errors import (
    BucketNotFoundError,
    FileChangedError,
    ObjectAlreadyExistsError,
    StorageError,
    StoragePermissionError,
)
from supakeep.retries import OUTAGE_SECONDS, retrying
from supakeep.stores.supabase_errors import mapped_errors, raise_for_error, unavailable
from supakeep.stores.supabase_listing import Entry, entries_below, entries_by_cursor
from supakeep.stores.supabase_storage import storage_client
from supakeep.supabase_gateway import key_headers

T = TypeVar("T")

_PIECE_BYTES = 256 * 1024
_BUCKETS_PAGE = 100
_ATTRIBUTES = ("public", "file_size_limit", "allowed_mime_types")


class SupabaseFiles:
    """`url` and `key` as in SupabaseObjectStore; `backups` is the bucket that is not the application's."""

    def __init__(
        self,
        url: str,
        key: str,
        backups: str,
        *,
        client: httpx.Client | None = None,
        give_up_after_seconds: float = OUTAGE_SECONDS,
    ) -> None:
        self._url = f"{url.rstrip('/')}/storage/v1"
        self._headers = key_headers(key)
        self._backups = backups
        self._client = client or storage_client()
        self._give_up_after_seconds = give_up_after_seconds
        self._has_cursor: bool | None = None

    def buckets(self) -> list[Bucket]:
        with mapped_errors("list buckets", "buckets"):
            entries = {entry["id"]: entry for entry in self._bucket_entries()}
            if not entries:
                raise _no_bucket_shown()
            return [
                Bucket(name, _attributes(entries[name]))
                for name in sorted(entries)
                if name != self._backups and entries[name].get("type", "STANDARD") == "STANDARD"
            ]

    def files(self, bucket: str, prefix: str = "") -> Iterator[ProjectFile]:
        with mapped_errors("list files", bucket):
            for entry in self._entries(bucket, prefix):
                if entry["name"].startswith(prefix):
                    yield _file(bucket, entry)

    @contextmanager
    def read(self, file: ProjectFile) -> Iterator[Iterator[bytes]]:
        # only the opening is repeated: bytes that were handed on cannot be taken back
        with ExitStack() as opened:
            response = self._repeat(lambda: opened.enter_context(self._opened(file)))
            yield self._pieces(response, file)

    @contextmanager
    def _opened(self, file: ProjectFile) -> Iterator[httpx.Response]:
        with (
            mapped_errors("read file", file.path),
            self._client.stream(
                "GET",
                self._address(file),
                # an older version may lie in a cache on the way
                params={"cacheNonce": file.version_key(())},
                # the bytes as they are stored, whatever encoding they are in
                headers={**self._headers, "accept-encoding": "identity"},
            ) as response,
        ):
            raise_for_error(response, "read file", file.path)
            yield response

    def make_bucket(self, bucket: Bucket) -> None:
        # Supabase Lite refuses null where the real server takes it
        given = {key: value for key, value in bucket.attributes.items() if value is not None}
        body = text_of({"id": bucket.id, "name": bucket.id, **given})
        headers = {**self._headers, "content-type": "application/json"}

        def attempt() -> None:
            with mapped_errors("make bucket", bucket.id):
                response = self._client.post(f"{self._url}/bucket", headers=headers, content=body)
                raise_for_error(response, "make bucket", bucket.id)
                if parsed(response.content)["name"] != bucket.id:
                    raise unavailable("make bucket", bucket.id, "it answered for another bucket")

        with suppress(ObjectAlreadyExistsError):
            self._repeat(attempt)

    def write(self, file: ProjectFile, content: BinaryIO) -> None:
        start = content.tell()

        def attempt() -> None:
            content.seek(start)
            with mapped_errors("write file", file.path):
                response = self._client.post(
                    self._address(file), headers=self._write_headers(file), content=content
                )
                raise_for_error(response, "write file", file.path)
                # a page of a proxy is a success too, of which Storage knows nothing
                if parsed(response.content)["Key"] != file.path:
                    raise unavailable("write file", file.path, "it answered for another object")

        self._repeat(attempt)

    def _write_headers(self, file: ProjectFile) -> dict[str, str]:
        given = {
            "x-upsert": "true",
            "content-type": file.content_type or "application/octet-stream",
            "cache-control": file.cache_control,
            "x-metadata": _in_base64(file.metadata) if file.metadata else None,
        }
        return {**self._headers, **{name: text for name, text in given.items() if text}}

    def _address(self, file: ProjectFile) -> str:
        return f"{self._url}/object/{quote(file.bucket, safe='')}/{_quoted(file.name)}"

    def _pieces(self, response: httpx.Response, file: ProjectFile) -> Iterator[bytes]:
        size = 0
        with mapped_errors("read file", file.path):
            for piece in response.iter_raw(_PIECE_BYTES):
                size += len(piece)
                if file.size_bytes is not None and size > file.size_bytes:
                    break
                yield piece
        is_whole = file.size_bytes in (None, size)
        if not (is_whole and self._is_version(file, response.headers.get("etag"))):
            raise _changed(file)

    def _is_version(self, file: ProjectFile, etag: str | None) -> bool:
        """Whether what was read is what was listed. Supabase Lite gives other tags than it lists, so that
        another tag only raises the question.
        """
        if file.etag and _plain_etag(etag) == file.etag:
            return True
        if _has_dots(file.name):
            return False  # somebody on the way may have gone to another folder
        found = (each for each in self.files(file.bucket, file.name) if each.name == file.name)
        return next(found, None) == file

    def _bucket_entries(self) -> Iterator[Entry]:
        seen: set[str] = set()
        while True:
            page = self._repeat(partial(self._bucket_page, len(seen)))
            fresh = [entry for entry in page if entry["id"] not in seen]
            yield from fresh
            seen.update(entry["id"] for entry in fresh)
            # a server that knows no pages answers all of them each time
            if not fresh or len(page) < _BUCKETS_PAGE:
                return

    def _bucket_page(self, offset: int) -> list[Entry]:
        with mapped_errors("list buckets", "buckets"):
            response = self._client.get(
                f"{self._url}/bucket",
                headers=self._headers,
                params={"limit": _BUCKETS_PAGE, "offset": offset, "sortColumn": "id"},
            )
            raise_for_error(response, "list buckets", "buckets")
            page = parsed(response.content)
            if not isinstance(page, list):
                raise TypeError("the buckets are a list")
            return page

    def _entries(self, bucket: str, prefix: str) -> Iterator[Entry]:
        if self._lists_by_cursor(bucket):
            return entries_by_cursor(partial(self._ask, bucket, "object/list-v2"), prefix)
        folder, _, start = prefix.rpartition("/")
        return entries_below(partial(self._ask, bucket, "object/list"), folder, start)

    def _lists_by_cursor(self, bucket: str) -> bool:
        """As SupabaseObjectStore finds it out."""
        if self._has_cursor is None:
            try:
                self._ask(bucket, "object/list-v2", {"limit": 1})
                self._has_cursor = True
            except StorageError as exc:
                if exc.retryable or isinstance(exc, StoragePermissionError):
                    raise
                self._has_cursor = False
        return self._has_cursor

    def _ask(self, bucket: str, route: str, body: dict[str, Any]) -> Any:
        address = f"{self._url}/{route}/{quote(bucket, safe='')}"

        def attempt() -> Any:
            with mapped_errors("list files", bucket):
                response = self._client.post(address, headers=self._headers, json=body)
                raise_for_error(response, "list files", bucket)
                return parsed(response.content)

        return self._repeat(attempt)

    def _repeat(self, attempt: Callable[[], T]) -> T:
        repeat = retrying(
            first_pause_seconds=0.5, give_up_after_seconds=self._give_up_after_seconds
        )
        return repeat(attempt)


def _attributes(entry: Entry) -> dict[str, Any]:
    # Supabase Lite says 0 and 1, and takes neither
    public = bool(entry.get("public"))
    return {key: entry.get(key) for key in _ATTRIBUTES} | {"public": public}


def _file(bucket: str, entry: Entry) -> ProjectFile:
    # null where an upload has not come to its end
    metadata = entry.get("metadata") or {}
    custom = entry.get("user_metadata")
    return ProjectFile(
        bucket=bucket,
        name=entry["name"],
        id=str(entry["id"]),
        size_bytes=_size(metadata.get("size")),
        updated_at=str(entry["updated_at"]),
        etag=_plain_etag(metadata.get("eTag")),
        version=entry.get("version"),
        content_type=metadata.get("mimetype"),
        cache_control=metadata.get("cacheControl"),
        metadata=text_of(custom) if custom else None,
    )


def _size(size: object) -> int | None:
    """None where it is not told, which happens."""
    text = str(size)
    return int(text) if text.isascii() and text.isdigit() else None


def _in_base64(metadata: str) -> str:
    return base64.b64encode(metadata.encode()).decode()


def _plain_etag(etag: str | None) -> str | None:
    return etag.removeprefix("W/").strip('"') if etag else None


def _has_dots(name: str) -> bool:
    return any(part in (".", "..") for part in name.split("/"))


def _quoted(name: str) -> str:
    """As a path in which every folder is a name: the client would go up from `..`."""
    parts = (
        part.replace(".", "%2E") if _has_dots(part) else quote(part) for part in name.split("/")
    )
    return "/".join(parts)


def _changed(file: ProjectFile) -> FileChangedError:
    return FileChangedError(
        f"{file.path} was replaced while it was read", operation="read file", key=file.path
    )


def _no_bucket_shown() -> BucketNotFoundError:
    return BucketNotFoundError(
        "Storage shows no bucket",
        operation="list buckets",
        hint="Check SUPABASE_SERVICE_ROLE_KEY: Storage hides buckets from every other key. If the project has "
        "no buckets, remove [backup.files] from supakeep.toml.",
    )
