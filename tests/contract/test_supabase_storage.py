"""What Supabase Storage does beside what every store does."""

from __future__ import annotations

import io
import time
from uuid import uuid4

import httpx
import psycopg
import pytest

from supakeep.errors import (
    BucketNotFoundError,
    StorageError,
    SupakeepError,
)
from tests.contract.conftest import MakeStorage, Servers
from tests.contract.exporting import read

pytestmark = pytest.mark.integration


def test_a_signed_address_of_storage_expires(storage: MakeStorage, key: str) -> None:
    storage().put(key, io.BytesIO(b"the content"))
    url = storage().signed_url(key, 1)

    time.sleep(2.1)

    assert httpx.get(url).is_error


@pytest.mark.parametrize("which", ["publishable", "wrong"])
def test_storage_refuses_any_key_but_the_secret_one(
    servers: Servers, storage: MakeStorage, key: str, which: str
) -> None:
    api_key = servers.lite.publishable_key if which == "publishable" else "sb_secret_wrong"
    stranger = storage(key=api_key)
    storage().put(key, io.BytesIO(b"secret rows"))

    with pytest.raises(SupakeepError):
        stranger.put(f"{key}.001", io.BytesIO(b"x"))
    with pytest.raises(SupakeepError):
        read(stranger, key)

    assert [stored.key for stored in storage().list(key)] == [key]


def test_storage_refuses_an_object_over_its_limit_with_the_setting_that_helps(
    storage: MakeStorage, key: str
) -> None:
    with pytest.raises(StorageError, match="is larger than Storage allows") as refused:
        storage().put(key, io.BytesIO(b"x" * (2 * 1024 * 1024 + 1)))

    assert refused.value.hint is not None
    assert "MAX_OBJECT_BYTES" in refused.value.hint
    assert list(storage().list(key)) == []


def test_a_bucket_that_somebody_made_public_is_refused(
    servers: Servers, http: httpx.Client, storage: MakeStorage
) -> None:
    name = f"open-{uuid4().hex}"
    headers = {"apikey": servers.lite.secret_key}
    address = f"{servers.lite.url}/storage/v1/bucket"
    http.post(
        address, headers=headers, json={"id": name, "name": name, "public": True}
    ).raise_for_status()

    with pytest.raises(StorageError, match="is public"):
        storage(name).require_private()

    http.put(f"{address}/{name}", headers=headers, json={"public": False}).raise_for_status()
    storage(name).require_private()


def test_a_missing_bucket_is_known_before_the_first_upload(storage: MakeStorage) -> None:
    with pytest.raises(BucketNotFoundError, match=r"^Upload failed: Storage bucket not found$"):
        storage(f"missing-{uuid4().hex}").require_private()


@pytest.mark.parametrize(
    ("clause", "is_open"),
    [
        ("to anon using (true)", True),
        ("using (bucket_id <> 'avatars')", True),
        ("to authenticated using (auth.uid() is not null)", True),
        ("to authenticated using (bucket_id = 'backups' and name like 'daily/%')", True),
        ("to anon using (bucket_id = 'avatars')", False),
        ("to authenticated using (owner = auth.uid())", False),
        ("to service_role using (true)", False),
    ],
)
def test_a_policy_that_opens_the_bucket_is_refused_by_name(
    superuser: psycopg.Connection, storage: MakeStorage, clause: str, *, is_open: bool
) -> None:
    superuser.execute(f'create policy "the policy" on storage.objects for select {clause}')
    try:
        if is_open:
            with pytest.raises(StorageError, match=r"because of the policy on storage\.objects"):
                storage().require_private()
        else:
            storage().require_private()
    finally:
        superuser.execute('drop policy "the policy" on storage.objects')


def test_a_policy_that_a_restrictive_one_closes_opens_nothing(
    superuser: psycopg.Connection, storage: MakeStorage
) -> None:
    superuser.execute(
        'create policy "wide" on storage.objects for select using (true);'
        'create policy "narrow" on storage.objects as restrictive for select'
        " using (bucket_id <> 'backups')"
    )
    try:
        storage().require_private()
    finally:
        superuser.execute(
            'drop policy "wide" on storage.objects; drop policy "narrow" on storage.objects'
        )
