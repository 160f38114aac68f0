from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.api_key import ApiKey
from supakeep.domain.health import Check
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import (
    DatabaseUnavailableError,
    FunctionsMissingError,
    StorageError,
    SupakeepError,
)
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from supakeep.usecases.check_project import CheckProject
from supakeep.wiring import SupabaseProject
from tests.builders.api_keys import an_api_key
from tests.builders.backups import CUSTOMERS, EVERYTHING, NAME, a_shop, back_up
from tests.builders.manifests import PROJECT, place_backup
from tests.builders.signing import KEYRING, SIGNING_KEY
from tests.fakes.database import InMemoryDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, FixedClock

ENVIRONMENT = {
    "NEXT_PUBLIC_SUPABASE_URL": f"https://{PROJECT}.supabase.co",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
}


class Refusing(InMemoryDatabase):
    """A database that answers with an error."""

    def __init__(self, error: SupakeepError) -> None:
        super().__init__()
        self._error = error

    def catalog(self) -> None:  # type: ignore[override]
        raise self._error


def check(
    database: InMemoryDatabase | None = None,
    primary: InMemoryObjectStore | FailingObjectStore | None = None,
    mirror: InMemoryObjectStore | None = None,
    signing_key: str = "",
    api_keys: InMemoryApiKeyStore | None = None,
    policy: BackupPolicy = EVERYTHING,
) -> dict[str, Check]:
    project = SupabaseProject.from_environment(
        {**ENVIRONMENT, "SIGNING_KEY": signing_key},
        clock=FixedClock(),
        policy=policy,
        database=database or a_shop(),
        primary=primary or InMemoryObjectStore(),
        copies=[mirror] if mirror else [],
    )
    checks = CheckProject(
        project,
        lambda: NOON,
        (),
        26,
        shares_runs=False,
        progress=InMemoryProgress(),
        api_keys=api_keys,
    )()
    return {found.name: found for found in checks}


def test_a_project_in_order_has_only_good_checks() -> None:
    shop, primary, mirror = a_shop(), InMemoryObjectStore(), InMemoryObjectStore("mirror")
    back_up(shop, primary, mirror, keyring=KEYRING)

    found = check(shop, primary, mirror, SIGNING_KEY)

    assert {name: str(one.status) for name, one in found.items()} == dict.fromkeys(
        ["database", "functions", "tables", "clock", "storage", "mirror", "signatures", "newest backup", "whole",
         "copies", "size", "leftovers", "lease", "schedule"],
        "OK",
    )  # fmt: skip


def test_unsigned_backups_are_a_warning() -> None:
    found = check()["signatures"]

    assert found.status == "WARN"
    assert found.advice is not None
    assert "SIGNING_KEY" in found.advice


def test_a_key_that_has_ended_is_a_warning() -> None:
    keys = InMemoryApiKeyStore()
    assert check(api_keys=keys)["keys"].status == "OK"

    keys.add(an_api_key("ci", expires_at=NOON - dt.timedelta(days=1)))

    assert check(api_keys=keys)["keys"].status == "WARN"


def test_keys_that_cannot_be_read_stop_no_other_check() -> None:
    class Unreadable(InMemoryApiKeyStore):
        def list_all(self) -> list[ApiKey]:
            raise StorageError("Access denied", operation="read keys")

    found = check(api_keys=Unreadable())

    assert (found["keys"].status, found["keys"].message) == ("FAIL", "Access denied")
    assert found["newest backup"].message == "There is no good backup"


def test_a_table_that_cannot_be_read_is_named_with_its_grant() -> None:
    shop = a_shop()
    refused = shop.catalog().tables[CUSTOMERS].model_copy(update={"readable": False})
    shop.drop_table(CUSTOMERS)
    shop.add_table(refused)

    found = check(shop)["tables"]

    assert (found.status, found.message) == ("FAIL", "Permission denied for table public.customers")
    assert "grant select" in (found.advice or "").lower()


def test_a_database_that_does_not_answer_does_not_stop_the_other_checks() -> None:
    error = DatabaseUnavailableError("No answer", operation="connect", hint="Wait.")

    found = check(Refusing(error))

    assert found["database"] == Check.fail("database", "No answer", "Wait.")
    assert "tables" not in found
    assert found["storage"].status == "OK"


def test_functions_that_are_missing_are_the_functions_failure() -> None:
    error = FunctionsMissingError("They are missing", operation="x", hint="supakeep migration")

    found = check(Refusing(error))

    assert found["database"].status == "OK"
    assert found["functions"] == Check.fail("functions", "They are missing", "supakeep migration")


def test_a_bucket_that_is_missing_or_public_fails() -> None:
    missing, public = InMemoryObjectStore(), InMemoryObjectStore()
    missing.has_bucket = False
    public.is_public = True

    assert check(primary=missing)["storage"].message == "Upload failed: Storage bucket not found"
    assert check(primary=public)["storage"].message == "The bucket is public"


def test_a_store_that_cannot_be_listed_is_not_taken_for_an_empty_one() -> None:
    found = check(primary=FailingObjectStore(InMemoryObjectStore(), "list"))

    for name in ("storage", "newest backup", "leftovers"):
        assert found[name].status == "FAIL"
    assert found["newest backup"].message == "not known: primary did not answer"


def test_one_place_only_is_a_warning() -> None:
    assert check()["mirror"].status == "WARN"


@pytest.mark.parametrize(("hours", "status"), [(1, "OK"), (25, "WARN")])
def test_objects_without_a_manifest_are_leftovers_after_a_day(hours: int, status: str) -> None:
    store = InMemoryObjectStore()
    place_backup(store)
    store.place(
        f"daily/backup_{PROJECT}_2026-11-20.sql.json",
        b"x",
        modified_at=NOON - dt.timedelta(hours=hours),
    )

    assert check(primary=store)["leftovers"].status == status


def test_a_copy_that_is_behind_is_named_with_what_fixes_it() -> None:
    shop, primary, mirror = a_shop(), InMemoryObjectStore(), InMemoryObjectStore("mirror")
    back_up(shop, primary)

    found = check(shop, primary, mirror)["copies"]

    assert (found.status, found.message) == ("WARN", f"{NAME} is missing in mirror")
    assert found.advice == "Run `supakeep copy`."


def test_hashes_without_a_signing_key_fail_the_check() -> None:
    policy = BackupPolicy.parse('[[table]]\nname = "customers"\nmask = { name = "hash" }')

    found = check(policy=policy)["signatures"]

    assert found.status == "FAIL"
    assert found.message == (
        "there is no SIGNING_KEY, and the policy hashes columns of public.customers with it"
    )
    assert check(policy=policy, signing_key=SIGNING_KEY)["signatures"].status == "OK"
