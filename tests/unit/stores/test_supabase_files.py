"""The files of a project as the real Storage server tells of them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from supakeep.domain.project_file import Bucket, ProjectFile
from supakeep.errors import (
    BucketNotFoundError,
    FileChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.stores.supabase_files import SupabaseFiles

URL = "https://abc.supabase.co"
NAMES = ["..", "../x y.png", "a", "a/b", "emoji 🐘.png", "ü" * 512]


class Server:
    """Buckets `avatars`, `backups` and many more, and the files `NAMES` in each; pages have three."""

    def __init__(self, *, has_cursor: bool = True, buckets: int = 250) -> None:
        self.has_cursor = has_cursor
        self.ids = ["avatars", "backups", *(f"bucket {n:03d}" for n in range(buckets))]
        self.etag = self.listed_etag = '"an etag"'
        self.content = b"x" * 10
        self.asked: list[httpx.Request] = []

    def files(self) -> SupabaseFiles:
        client = httpx.Client(transport=httpx.MockTransport(self.answer))
        return SupabaseFiles(URL, "sb_secret_x", "backups", client=client)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path.removeprefix("/storage/v1/")
        if path == "bucket":
            start = int(request.url.params["offset"])
            return httpx.Response(200, json=list(map(self._bucket, self.ids[start : start + 100])))
        body = json.loads(request.read()) if request.method == "POST" else {}
        if path.startswith("object/list-v2/") and self.has_cursor:
            return self._page(body)
        if path.startswith("object/list/"):
            return self._folder(body)
        if path.startswith("object/list-v2/"):
            return error("404", "Bucket not found")
        stream = httpx.ByteStream(self.content)
        return httpx.Response(200, stream=stream, headers={"etag": self.etag})

    def _bucket(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "name": name,
            "public": name == "avatars",
            "owner": "",
            "type": "STANDARD",
        }

    def _page(self, asked: dict[str, Any]) -> httpx.Response:
        start = int(asked.get("cursor", 0))
        names = [name for name in NAMES if name.startswith(asked.get("prefix", ""))]
        more = {"nextCursor": str(start + 3)} if start + 3 < len(names) else {}
        objects = [self.entry(name) for name in names[start : start + 3]]
        return httpx.Response(200, json={"hasNext": bool(more), "objects": objects, **more})

    def _folder(self, asked: dict[str, Any]) -> httpx.Response:
        inside = [
            n for n in NAMES if n.startswith(f"{asked['prefix']}/" if asked["prefix"] else "")
        ]
        rest = [n[len(asked["prefix"]) :].lstrip("/") for n in inside]
        folders = sorted({n.split("/")[0] for n in rest if "/" in n})
        entries = [{"name": name, "id": None, "metadata": None} for name in folders]
        entries += [self.entry(name) for name in rest if "/" not in name]
        return httpx.Response(200, json=entries[asked["offset"] :][: asked["limit"]])

    def entry(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "id": "f7c1",
            "updated_at": "2026-11-22T03:00:05.123Z",
            "metadata": {
                "eTag": self.listed_etag,
                "size": 10,
                "mimetype": "image/png",
                "cacheControl": "max-age=3600",
            },
            "user_metadata": {"owner": "Ada"},
        }


def error(code: str, name: str) -> httpx.Response:
    return httpx.Response(400, json={"statusCode": code, "error": name, "message": name})


def a_file(name: str = "a", etag: str | None = "an etag") -> ProjectFile:
    return ProjectFile("avatars", name, "f7c1", 10, "2026-11-22T03:00:05.123Z", etag=etag)


def content_of(files: SupabaseFiles, file: ProjectFile) -> bytes:
    with files.read(file) as pieces:
        return b"".join(pieces)


def test_every_bucket_is_listed_page_by_page_except_that_of_the_backups() -> None:
    buckets = Server().files().buckets()

    assert len(buckets) == 251
    expected = {"public": True, "file_size_limit": None, "allowed_mime_types": None}
    assert buckets[0] == Bucket("avatars", expected)
    assert "backups" not in {bucket.id for bucket in buckets}


def test_a_key_that_is_shown_no_bucket_at_all_is_not_believed() -> None:
    server = Server()
    server.ids = []

    with pytest.raises(BucketNotFoundError, match="Storage shows no bucket"):
        server.files().buckets()


@pytest.mark.parametrize("has_cursor", [True, False], ids=["list-v2", "list"])
def test_files_come_with_their_whole_names_and_what_storage_knows_of_them(
    *, has_cursor: bool
) -> None:
    files = list(Server(has_cursor=has_cursor).files().files("avatars"))

    assert sorted(file.name for file in files) == sorted(NAMES)
    file = next(file for file in files if file.name == "a/b")
    assert (file.bucket, file.size_bytes, file.etag) == ("avatars", 10, "an etag")
    assert (file.content_type, file.cache_control) == ("image/png", "max-age=3600")
    assert json.loads(str(file.metadata)) == {"owner": "Ada"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_asked_for_under_its_own_name_whatever_is_in_it(name: str) -> None:
    server = Server()

    assert content_of(server.files(), a_file(name)) == server.content

    [request] = server.asked
    assert request.url.path == f"/storage/v1/object/avatars/{name}"


@pytest.mark.parametrize("change", ["etag", "longer", "shorter"])
def test_another_version_than_the_one_that_was_listed_is_refused(change: str) -> None:
    server = Server()
    server.etag = '"another"' if change == "etag" else server.etag
    server.content = {"longer": b"x" * 11, "shorter": b"x" * 9}.get(change, server.content)

    with pytest.raises(FileChangedError, match="avatars/a was replaced"):
        content_of(server.files(), a_file())


def test_what_is_throttled_is_asked_for_again() -> None:
    server, throttled = Server(), iter([429, 503])

    def answer(request: httpx.Request) -> httpx.Response:
        status = next(throttled, None)
        return httpx.Response(status) if status else server.answer(request)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    files = SupabaseFiles(URL, "sb_secret_x", "backups", client=client)

    assert content_of(files, a_file()) == server.content


def test_a_file_whose_folder_is_two_dots_is_not_taken_for_another_one() -> None:
    server = Server()
    listed = next(file for file in server.files().files("avatars") if file.name == "../x y.png")
    files = Server()
    files.listed_etag = server.etag
    files.etag = '"that of another file"'

    with pytest.raises(FileChangedError):
        content_of(files.files(), listed)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda _: error("404", "not_found"), ObjectNotFoundError),
        (lambda _: httpx.Response(429, headers={"retry-after": "7"}), StorageUnavailableError),
        (lambda _: httpx.Response(200, text="<html>"), StorageUnavailableError),
    ],
    ids=["gone", "throttled", "a proxy's page"],
)
def test_what_storage_refuses_has_a_kind(
    answer: Callable[[httpx.Request], httpx.Response], kind: type[StorageError]
) -> None:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    files = SupabaseFiles(URL, "sb_secret_x", "backups", client=client, give_up_after_seconds=0)

    with pytest.raises(kind) as refused:
        list(files.files("avatars"))

    if "429" in str(refused.value):
        assert refused.value.retry_after_seconds == 7


def test_the_version_of_a_file_changes_with_everything_that_tells_it_apart() -> None:
    file = a_file()
    others = [
        ProjectFile("avatars", "a", "f7c2", 10, file.updated_at, etag="an etag"),
        ProjectFile("avatars", "a", "f7c1", 11, file.updated_at, etag="an etag"),
        ProjectFile("avatars", "a", "f7c1", 10, "2026-11-23", etag="an etag"),
        a_file(etag="another"),
    ]

    keys = [each.version_key(()) for each in [file, *others]] + [file.version_key(["age1x"])]

    assert len(set(keys)) == 6
    assert a_file(name="moved").version_key(()) == keys[0]


def test_what_is_written_goes_with_its_metadata_and_again_where_it_is_throttled() -> None:
    seen: list[httpx.Request] = []
    answers = iter([429, 200])

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(next(answers), json={"Key": "avatars/../a"})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    files = SupabaseFiles(URL, "sb_secret_x", "backups", client=client)

    files.write(
        replace(a_file("../a"), metadata='{"by":"Ädä","rate":1.10}'), io.BytesIO(b"content")
    )

    request = seen[1]
    assert request.content == seen[0].content == b"content"
    assert request.url.raw_path == b"/storage/v1/object/avatars/%2E%2E/a"
    assert request.headers["x-upsert"] == "true"
    sent = base64.b64decode(request.headers["x-metadata"]).decode()
    assert sent == '{"by":"Ädä","rate":1.10}'


@pytest.mark.parametrize(
    "answer",
    [{"text": "<html>"}, {"json": {"Key": "avatars/b", "name": "b"}}, {"json": []}],
    ids=["a proxy's page", "that of another one", "a list"],
)
def test_a_success_that_is_no_answer_about_what_was_written_is_not_believed(
    answer: dict[str, Any],
) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, **answer)))
    files = SupabaseFiles(URL, "sb_secret_x", "backups", client=client, give_up_after_seconds=0)

    with pytest.raises(StorageUnavailableError, match="Storage did not answer"):
        files.write(a_file(), io.BytesIO(b"content"))
    with pytest.raises(StorageUnavailableError, match="Storage did not answer"):
        files.make_bucket(Bucket("avatars", {}))


NUMBERS = '{"a":1.10,"b":1e400,"c":[0.1000000000000000055511151231257827,-0],"d":123456789012345678901234567890}'


@pytest.mark.parametrize("has_cursor", [True, False], ids=["list-v2", "list"])
def test_numbers_of_custom_metadata_keep_their_text(*, has_cursor: bool) -> None:
    server = Server(has_cursor=has_cursor)

    def answer(request: httpx.Request) -> httpx.Response:
        told = server.answer(request)
        return httpx.Response(told.status_code, text=told.text.replace('{"owner":"Ada"}', NUMBERS))

    client = httpx.Client(transport=httpx.MockTransport(answer))

    for file in SupabaseFiles(URL, "sb_secret_x", "backups", client=client).files("avatars"):
        assert file.metadata == NUMBERS


@pytest.mark.parametrize("has_cursor", [True, False], ids=["list-v2", "list"])
@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"size": None}, {"size": "?"}],
    ids=["null", "empty", "null size", "text"],
)
def test_a_file_of_unknown_size_is_listed_and_hides_no_other(
    metadata: dict[str, Any] | None, *, has_cursor: bool
) -> None:
    class Untold(Server):
        def entry(self, name: str) -> dict[str, Any]:
            entry = super().entry(name)
            return entry | {"metadata": metadata} if name in ("a/b", "b") else entry

    files = list(Untold(has_cursor=has_cursor).files().files("avatars"))

    assert sorted(file.name for file in files) == sorted(NAMES)
    assert [file.name for file in files if file.size_bytes is None] == ["a/b"]


def test_a_file_of_unknown_size_is_read_as_it_is() -> None:
    server = Server()

    assert content_of(server.files(), replace(a_file(), size_bytes=None)) == server.content


def test_a_limit_of_a_bucket_is_the_number_that_it_was() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.read())
        return httpx.Response(200, json={"name": "avatars"})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    files = SupabaseFiles(URL, "sb_secret_x", "backups", client=client)

    files.make_bucket(Bucket("avatars", {"public": True, "file_size_limit": 2**53 + 1}))

    assert b'"file_size_limit":9007199254740993' in seen[0]
