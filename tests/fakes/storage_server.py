"""Supabase Storage's HTTP interface in memory, as the real server answers it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx

from supakeep.stores.supabase_storage import SupabaseObjectStore

URL = "https://abc.supabase.co"
BACKUPS = "backups"
_MOMENT = "2026-11-22T03:00:05.123Z"


class InMemoryStorageServer:
    """The bucket `backups`, and those of an application. `after_page` is called after each page of a
    listing, so that objects can come and go between two of them. Without `has_cursor`, only the older
    listing is there.
    """

    def __init__(
        self, *, has_cursor: bool = True, is_public: bool = False, page_size: int = 100
    ) -> None:
        self.has_cursor = has_cursor
        self.page_size = page_size
        self.after_page: Callable[[], None] = lambda: None
        # the content of each object, by its bucket and its name
        self.contents: dict[str, dict[str, bytes]] = {BACKUPS: {}}
        self.is_public = is_public
        self._attributes: dict[str, dict[str, Any]] = {}
        # what was sent with an object
        self._sent: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def objects(self) -> dict[str, bytes]:
        """Those of `backups`."""
        return self.contents[BACKUPS]

    @objects.setter
    def objects(self, objects: dict[str, bytes]) -> None:
        self.contents[BACKUPS] = objects

    def store(self, *, name: str = "primary") -> SupabaseObjectStore:
        return SupabaseObjectStore(URL, "sb_secret_x", BACKUPS, name=name, client=self.client())

    def client(self) -> httpx.Client:
        """What reaches this server, at whatever address."""
        return httpx.Client(transport=httpx.MockTransport(self.answer), base_url=URL)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/storage/v1/")
        route, _, rest = path.partition("/")
        if route == "bucket":
            return self._bucket(request, rest)
        if route != "object":
            return _error("404", "not_found")
        for listing, page in (("list-v2/", self._page_by_cursor), ("list/", self._page_by_offset)):
            if rest.startswith(listing):
                bucket = rest.removeprefix(listing)
                is_known = bucket in self.contents and (self.has_cursor or listing == "list/")
                return page(bucket, _body(request)) if is_known else _no_bucket()
        bucket, _, name = rest.partition("/")
        if bucket not in self.contents:
            return _no_bucket()
        return self._object(request, bucket, name)

    def _bucket(self, request: httpx.Request, name: str) -> httpx.Response:
        if request.method == "POST":
            return self._make_bucket(_body(request))
        if name:
            return httpx.Response(200, json=self._described(name))
        first = int(request.url.params.get("offset", 0))
        return httpx.Response(200, json=[self._described(n) for n in sorted(self.contents)[first:]])

    def _make_bucket(self, asked: dict[str, Any]) -> httpx.Response:
        name = asked["id"]
        if name in self.contents:
            return _error("409", "Duplicate")
        self.contents[name] = {}
        self._attributes[name] = asked
        return httpx.Response(200, json={"name": name})

    def _described(self, bucket: str) -> dict[str, Any]:
        public = self.is_public if bucket == BACKUPS else False
        return {"id": bucket, "name": bucket, "public": public, **self._attributes.get(bucket, {})}

    def _page_by_cursor(self, bucket: str, asked: dict[str, Any]) -> httpx.Response:
        after = base64.b64decode(asked.get("cursor", "")).decode()
        prefix = asked.get("prefix", "")
        names = [n for n in sorted(self.contents[bucket]) if n.startswith(prefix) and n > after]
        page = names[: min(asked.get("limit", 1000), self.page_size)]
        more = len(names) > len(page)
        answer = {
            "hasNext": more,
            "folders": [],
            "objects": [self._entry(bucket, name, name) for name in page],
            **({"nextCursor": base64.b64encode(page[-1].encode()).decode()} if more else {}),
        }
        self.after_page()
        return httpx.Response(200, json=answer)

    def _page_by_offset(self, bucket: str, asked: dict[str, Any]) -> httpx.Response:
        folder = f"{asked['prefix']}/" if asked["prefix"] else ""
        inside = [n.removeprefix(folder) for n in self.contents[bucket] if n.startswith(folder)]
        names = {name.partition("/")[0]: name for name in inside}
        found = sorted(n for n in names if n.lower().startswith(asked["search"].lower()))
        page = found[asked["offset"] :][: min(asked["limit"], self.page_size)]
        answer = [
            {"name": name, "id": None, "metadata": None}
            if "/" in names[name]
            else self._entry(bucket, folder + name, name)
            for name in page
        ]
        self.after_page()
        return httpx.Response(200, json=answer)

    def _entry(self, bucket: str, name: str, shown: str) -> dict[str, Any]:
        content = self.contents[bucket][name]
        sent = self._sent.get((bucket, name), {"mimetype": "application/json"})
        return {
            "name": shown,
            "id": _digest(f"{bucket}/{name}".encode()),
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
            "last_accessed_at": None,
            "metadata": {"size": len(content), "eTag": f'"{_digest(content)}"', **sent},
        }

    def _object(self, request: httpx.Request, bucket: str, name: str) -> httpx.Response:
        held = self.contents[bucket]
        if request.method == "DELETE":
            gone = [n for n in _body(request)["prefixes"] if held.pop(n, None) is not None]
            return httpx.Response(200, json=[{"name": name} for name in gone])
        if request.method == "POST":
            return self._upload(request, bucket, name)
        if name not in held:
            return _error("404", "not_found")
        etag = {"etag": f'"{_digest(held[name])}"'}
        return httpx.Response(200, stream=httpx.ByteStream(held[name]), headers=etag)

    def _upload(self, request: httpx.Request, bucket: str, name: str) -> httpx.Response:
        if name in self.contents[bucket] and request.headers.get("x-upsert") != "true":
            return _error("409", "Duplicate")
        content, content_type = request.read(), request.headers["content-type"]
        if content_type.startswith("multipart/"):
            self.contents[bucket][name] = _file_of(content)
            return httpx.Response(200, json={"Key": f"{bucket}/{name}"})
        if content_type not in (self._described(bucket).get("allowed_mime_types") or content_type):
            return _error("415", "invalid_mime_type")
        self.contents[bucket][name] = content
        control = request.headers.get("cache-control", "no-cache")
        self._sent[bucket, name] = {"mimetype": content_type, "cacheControl": control}
        return httpx.Response(200, json={"Key": f"{bucket}/{name}"})


def _body(request: httpx.Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.read())
    return body


def _digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _no_bucket() -> httpx.Response:
    return _error("404", "Bucket not found")


def _file_of(form: bytes) -> bytes:
    """The file in a multipart form, its last part."""
    boundary = form.split(b"\r\n", 1)[0]
    part = form.rsplit(b"\r\n" + boundary, 2)[1]
    return part.split(b"\r\n\r\n", 1)[1]


def _error(code: str, error: str) -> httpx.Response:
    body = {"statusCode": code, "error": error, "message": error}
    return httpx.Response(400, json=body)
