"""Google Cloud Storage, as far as its emulator goes, with the condition that the emulator lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gcp_storage_emulator.exceptions import Conflict
from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage


class _WriteOnceStorage(Storage):  # type: ignore[misc]
    """Refuses an object under a key that is taken, where the upload `asks_for_none`, see below."""

    def __init__(self) -> None:
        super().__init__(use_memory_fs=True)
        self.lock = Lock()
        self.has_refused = False
        self.asks_for_none = False

    def create_file(self, bucket_name: str, file_name: str, *rest: Any, **named: Any) -> Any:
        if self.asks_for_none and file_name in self.objects.get(bucket_name, {}):
            self.has_refused = True
            raise Conflict("an upload with ifGenerationMatch=0 found a generation")
        return super().create_file(bucket_name, file_name, *rest, **named)


class _Handler(RequestHandler):  # type: ignore[misc]
    """Answers 412 as Google does where the condition fails."""

    def do_POST(self) -> None:  # noqa: N802 (the server's)
        query = parse_qs(urlsplit(self.path).query)
        with self.storage.lock:
            self.storage.asks_for_none = query.get("ifGenerationMatch") == ["0"]
            super().do_POST()

    def do_PUT(self) -> None:  # noqa: N802 (the server's)
        with self.storage.lock:
            super().do_PUT()

    def send_response(self, code: int, message: str | None = None) -> None:
        refused, self.storage.has_refused = self.storage.has_refused, False
        super().send_response(412 if refused else code, message)


@contextmanager
def gcs_emulator(*buckets: str) -> Iterator[str]:
    """Its address, as STORAGE_EMULATOR_HOST has it, until the context ends."""
    storage = _WriteOnceStorage()
    for bucket in buckets:
        create_bucket(bucket, storage)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, storage))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
