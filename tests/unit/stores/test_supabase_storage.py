"""The answers of the real Storage server, where they differ from the local stand-in's."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from supakeep.errors import (
    BucketNotFoundError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.fakes.storage_server import InMemoryStorageServer

KEY = "daily/backup_abc_2026-11-22.sql.json"
URL = "https://abc.supabase.co"
Server = Callable[[httpx.Request], httpx.Response]


def store_over(server: Server) -> SupabaseObjectStore:
    client = httpx.Client(transport=httpx.MockTransport(server), base_url=URL)
    return SupabaseObjectStore(URL, "sb_secret_x", "backups", client=client)


def always(status: int, body: Any = None, *, text: str | None = None) -> Server:
    def answer(_: httpx.Request) -> httpx.Response:
        if text is not None:
            return httpx.Response(status, text=text)
        return httpx.Response(status, json=body)

    return answer


def error(code: str, error: str, message: str) -> dict[str, str]:
    """The body of Storage's errors; the HTTP status beside it is often 400."""
    return {"statusCode": code, "error": error, "message": message}


def read(store: SupabaseObjectStore) -> bytes:
    with store.read(KEY) as pieces:
        return b"".join(pieces)


def test_an_upload_sends_the_whole_object_with_the_secret_key() -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(200, json={"Key": f"backups/{KEY}"})

    store_over(server).put(KEY, io.BytesIO(b'{"rows": []}'))

    [request] = seen
    assert (request.method, request.url.path) == ("POST", f"/storage/v1/object/backups/{KEY}")
    assert request.headers["apikey"] == "sb_secret_x"
    assert "authorization" not in request.headers
    assert request.headers["x-upsert"] == "false"
    assert b'{"rows": []}' in request.content


@pytest.mark.parametrize("status", [400, 404])
def test_an_upload_into_a_missing_bucket_is_reported_in_the_words_of_the_guide(status: int) -> None:
    store = store_over(always(status, error("404", "Bucket not found", "Bucket not found")))

    with pytest.raises(BucketNotFoundError) as failed:
        store.put(KEY, io.BytesIO(b"x"))

    assert failed.value.message == "Upload failed: Storage bucket not found"
    assert failed.value.hint is not None
    assert "`supakeep migration`" in failed.value.hint


@pytest.mark.parametrize("status", [400, 409])
def test_a_key_that_is_taken_is_reported(status: int) -> None:
    body = error("409", "Duplicate", "The resource already exists")

    with pytest.raises(ObjectAlreadyExistsError):
        store_over(always(status, body)).put(KEY, io.BytesIO(b"x"))


@pytest.mark.parametrize("status", [400, 413])
def test_an_object_that_is_too_large_is_reported_with_the_setting_that_helps(status: int) -> None:
    body = error("413", "Payload too large", "The object exceeded the maximum allowed size")

    with pytest.raises(StorageError, match="is larger than Storage allows") as failed:
        store_over(always(status, body)).put(KEY, io.BytesIO(b"x"))

    assert failed.value.hint is not None
    assert "MAX_OBJECT_BYTES" in failed.value.hint
    assert not failed.value.retryable


@pytest.mark.parametrize("status", [400, 404])
def test_a_missing_object_is_reported(status: int) -> None:
    body = error("404", "not_found", "Object not found")

    with pytest.raises(ObjectNotFoundError):
        read(store_over(always(status, body)))


@pytest.mark.parametrize(
    "body",
    [
        error("403", "Unauthorized", "Invalid Compact JWS"),
        error("403", "Unauthorized", "new row violates row-level security policy"),
        error("401", "Unauthorized", "jwt expired"),
    ],
)
def test_a_key_without_the_right_is_reported_in_the_words_of_the_guide(
    body: dict[str, str],
) -> None:
    for status in (400, 403):
        store = store_over(always(status, body))
        for attempt in (
            lambda store=store: store.put(KEY, io.BytesIO(b"x")),
            lambda store=store: read(store),
            lambda store=store: store.delete(KEY),
            lambda store=store: list(store.list("daily/")),
            lambda store=store: store.signed_url(KEY, 60),
        ):
            with pytest.raises(StoragePermissionError) as failed:
                attempt()
            assert failed.value.message == "Permission denied"
            assert failed.value.hint is not None
            assert "SUPABASE_SERVICE_ROLE_KEY" in failed.value.hint


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520, 544])
def test_a_server_that_fails_is_worth_another_attempt(status: int) -> None:
    store = store_over(always(status, text="<html>Bad gateway</html>"))

    for attempt in (
        lambda: store.put(KEY, io.BytesIO(b"x")),
        lambda: list(store.list("daily/")),
        lambda: store.delete(KEY),
    ):
        with pytest.raises(StorageUnavailableError) as failed:
            attempt()
        assert failed.value.retryable


def test_a_download_that_fails_is_reported_in_the_words_of_the_guide() -> None:
    with pytest.raises(StorageUnavailableError) as failed:
        read(store_over(always(503, text="unavailable")))

    assert failed.value.message.startswith("Failed to download backup: ")
    assert failed.value.hint is not None
    assert "--from and the name of its store" in failed.value.hint


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.RemoteProtocolError("no")]
)
def test_a_server_that_is_not_there_is_worth_another_attempt(failure: httpx.HTTPError) -> None:
    def server(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(StorageUnavailableError, match=re.escape(no_answer_of(failure).reason)):
        read(store_over(server))


def entry(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": "b1b7a7c2",
        "updated_at": "2026-11-22T03:00:05.123Z",
        "created_at": "2026-11-22T03:00:05.123Z",
        "last_accessed_at": None,
        "metadata": {"size": 5, "mimetype": "application/json"},
    }


def test_folders_and_what_the_search_takes_too_much_are_left_out() -> None:
    # `search` is case-insensitive on the real server, and `_` stands for any character there
    names = ["backup_abc_2026-11-22.sql.json", "BACKUP_ABC_2026-11-22.sql.json", "backup-abc-x"]

    def server(request: httpx.Request) -> httpx.Response:
        if "list-v2" in request.url.path:
            return httpx.Response(400, json=error("404", "Bucket not found", "Bucket not found"))
        folder = {**entry("backup_abc_folder"), "id": None, "metadata": None}
        page = [folder, *(entry(name) for name in names)]
        return httpx.Response(200, json=page[json.loads(request.read())["offset"] :])

    found = list(store_over(server).list("daily/backup_abc_"))

    assert [stored.key for stored in found] == [f"daily/{names[0]}"]


@pytest.mark.parametrize("has_cursor", [True, False])
def test_an_empty_listing_of_a_bucket_that_does_not_exist_is_an_error(has_cursor: bool) -> None:
    """The real server answers an empty list, not an error."""
    empty = InMemoryStorageServer(has_cursor=has_cursor)

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/storage/v1/bucket/backups":
            return httpx.Response(400, json=error("404", "Bucket not found", "Bucket not found"))
        return empty.answer(request)

    with pytest.raises(BucketNotFoundError, match="Storage bucket not found"):
        list(store_over(server).list("daily/"))


def test_a_signed_address_is_one_of_the_project() -> None:
    path = f"/object/sign/backups/{KEY}?token=eyJ"

    for field in ("signedURL", "signedUrl"):
        for given in (path, f"/storage/v1{path}"):
            url = store_over(always(200, {field: given})).signed_url(KEY, 60)
            assert url == f"{URL}/storage/v1{path}&download={KEY.rpartition('/')[2]}"


def test_an_object_cannot_be_signed_where_it_is_not() -> None:
    body = error("404", "not_found", "Object not found")

    with pytest.raises(ObjectNotFoundError):
        store_over(always(400, body)).signed_url(KEY, 60)


@pytest.mark.parametrize(
    ("status", "says", "hint"),
    [(402, "used up a quota", "Usage"), (540, "This project is paused", "Resume it")],
)
def test_a_project_that_is_restricted_is_not_called_a_wrong_key(
    status: int, says: str, hint: str
) -> None:
    store = store_over(always(status, text="<html>no</html>"))

    for attempt in (
        lambda: store.put(KEY, io.BytesIO(b"x")),
        lambda: read(store),
        lambda: list(store.list("daily/")),
        lambda: store.signed_url(KEY, 60),
        lambda: store.delete(KEY),
    ):
        with pytest.raises(StorageError, match=says) as failed:
            attempt()
        assert failed.value.hint is not None
        assert hint in failed.value.hint
        assert not failed.value.retryable


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("later", None), ("Sun, 22 Nov 2020 12:00:00 GMT", 0)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_the_server_asks_for_is_in_the_error(
    header: str, seconds: float | None, status: int
) -> None:
    def server(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text="busy", headers={"Retry-After": header})

    with pytest.raises(StorageUnavailableError) as failed:
        store_over(server).put(KEY, io.BytesIO(b"x"))
    assert failed.value.retry_after_seconds == seconds

    with pytest.raises(StorageUnavailableError) as failed:
        store_over(server).delete(KEY)
    assert failed.value.retry_after_seconds == seconds


@pytest.mark.parametrize("public", [True, 1])
def test_a_public_bucket_is_refused_with_both_ways_to_make_it_private(public: object) -> None:
    store = store_over(always(200, {"name": "backups", "public": public}))

    with pytest.raises(StorageError, match='"backups" is public') as refused:
        store.require_private()

    assert not refused.value.retryable
    assert refused.value.hint is not None
    assert "dashboard" in refused.value.hint
    assert "set public = false where id = 'backups';" in refused.value.hint


@pytest.mark.parametrize("public", [False, 0])
def test_a_private_bucket_is_taken(public: object) -> None:
    seen: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.path}")
        return httpx.Response(200, json={"name": "backups", "public": public, "policies": []})

    store_over(server).require_private()

    assert seen == [
        "GET /storage/v1/bucket/backups",
        "POST /rest/v1/rpc/supakeep_open_policies",
    ]


def with_policies(answer: httpx.Response) -> SupabaseObjectStore:
    """A private bucket of a project whose function for policies gives this answer."""

    def server(request: httpx.Request) -> httpx.Response:
        is_bucket = request.url.path == "/storage/v1/bucket/backups"
        return (
            httpx.Response(200, json={"name": "backups", "public": False}) if is_bucket else answer
        )

    return store_over(server)


def test_a_bucket_that_policies_open_is_refused_with_their_names() -> None:
    store = with_policies(httpx.Response(200, json={"policies": ["all read", "too wide"]}))

    with pytest.raises(StorageError, match=r"because of all read, too wide on storage\.objects"):
        store.require_private()


def test_a_project_without_the_function_for_policies_is_backed_up_all_the_same() -> None:
    with_policies(httpx.Response(404, json={"code": "PGRST202"})).require_private()


@pytest.mark.parametrize(
    "answer",
    [
        {"name": "backups"},
        {"name": "backups", "public": "no"},
        {"name": "b", "public": False},
        [],
        1,
    ],
)
def test_an_answer_that_does_not_say_whether_the_bucket_is_public_is_not_believed(
    answer: object,
) -> None:
    with pytest.raises(StorageUnavailableError):
        store_over(always(200, answer)).require_private()


def test_a_bucket_that_is_missing_is_reported_as_the_guide_has_it() -> None:
    store = store_over(always(400, error("404", "Bucket not found", "Bucket not found")))

    with pytest.raises(BucketNotFoundError, match=r"^Upload failed: Storage bucket not found$"):
        store.require_private()
