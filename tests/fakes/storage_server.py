"""Supabase Storage's HTTP interface in memory, as the real server answers it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx

from supakeep.stores.supabase_storage import SupabaseObjectStore

URL = "https://abc.supabase.co"


class InMemoryStorageServer:
    """One bucket, `backups`. `after_page` is called after each page of a listing, so that objects
    can come and go between two of them. Without `has_cursor`, only the older listing is there.
    """

    def __init__(
        self, *, has_cursor: bool = True, is_public: bool = False, page_size: int = 100
    ) -> None:
        self.objects: dict[str, bytes] = {}
        self.has_cursor = has_cursor
        self.is_public = is_public
        self.page_size = page_size
        self.after_page: Callable[[], None] = lambda: None

    def store(self, *, name: str = "primary") -> SupabaseObjectStore:
        client = httpx.Client(transport=httpx.MockTransport(self.answer), base_url=URL)
        return SupabaseObjectStore(URL, "sb_secret_x", "backups", name=name, client=client)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/storage/v1/")
        if path == "bucket/backups":
            return httpx.Response(200, json={"name": "backups", "public": self.is_public})
        if path == "object/list-v2/backups" and self.has_cursor:
            return self._page_by_cursor(json.loads(request.read()))
        if path == "object/list/backups":
            return self._page_by_offset(json.loads(request.read()))
        if path == "object/backups" and request.method == "DELETE":
            return self._delete(json.loads(request.read())["prefixes"])
        if path.startswith("object/backups/"):
            return self._object(request, path.removeprefix("object/backups/"))
        return _error("404", "Bucket not found")

    def _page_by_cursor(self, asked: dict[str, Any]) -> httpx.Response:
        after = base64.b64decode(asked.get("cursor", "")).decode()
        prefix = asked.get("prefix", "")
        keys = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
        page = keys[: min(asked.get("limit", 1000), self.page_size)]
        more = len(keys) > len(page)
        answer = {
            "hasNext": more,
            "folders": [],
            "objects": [self._entry(key, key) for key in page],
            **({"nextCursor": base64.b64encode(page[-1].encode()).decode()} if more else {}),
        }
        self.after_page()
        return httpx.Response(200, json=answer)

    def _page_by_offset(self, asked: dict[str, Any]) -> httpx.Response:
        folder = f"{asked['prefix']}/"
        start = f"{folder}{asked['search']}".lower()
        keys = [key for key in sorted(self.objects) if key.lower().startswith(start)]
        page = keys[asked["offset"] :][: min(asked["limit"], self.page_size)]
        answer = [self._entry(key, key.removeprefix(folder)) for key in page]
        self.after_page()
        return httpx.Response(200, json=answer)

    def _entry(self, key: str, name: str) -> dict[str, Any]:
        moment = "2026-11-22T03:00:05.123Z"
        return {
            "name": name,
            "id": "b1b7a7c2",
            "created_at": moment,
            "updated_at": moment,
            "last_accessed_at": None,
            "metadata": {"size": len(self.objects[key]), "mimetype": "application/json"},
        }

    def _delete(self, keys: list[str]) -> httpx.Response:
        gone = [{"name": key} for key in keys if self.objects.pop(key, None) is not None]
        return httpx.Response(200, json=gone)

    def _object(self, request: httpx.Request, key: str) -> httpx.Response:
        if request.method == "POST":
            if key in self.objects:
                return _error("409", "Duplicate")
            self.objects[key] = _file_of(request.read())
            return httpx.Response(200, json={"Key": f"backups/{key}"})
        if key not in self.objects:
            return _error("404", "not_found")
        return httpx.Response(200, content=self.objects[key])


def _file_of(form: bytes) -> bytes:
    """The file in a multipart form, its last part."""
    boundary = form.split(b"\r\n", 1)[0]
    part = form.rsplit(b"\r\n" + boundary, 2)[1]
    return part.split(b"\r\n\r\n", 1)[1]


def _error(code: str, error: str) -> httpx.Response:
    body = {"statusCode": code, "error": error, "message": error}
    return httpx.Response(400, json=body)
