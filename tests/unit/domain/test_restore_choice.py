from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.manifest import TableStatus
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.restore_choice import TableChoice, choose_tables
from supakeep.errors import UnsafeOperationError
from tests.builders.manifests import a_manifest, an_entry
from tests.builders.tables import a_table

CUSTOMERS, ORDERS = an_entry(a_table("customers")), an_entry(a_table("orders"))
SCRATCH = an_entry(a_table("tmp_scratch"))
USERS = an_entry(a_table("users", schema="crm"))
BACKUP = a_manifest(tables=(USERS, CUSTOMERS, ORDERS, SCRATCH))


def choice(policy: str, **fields: Any) -> TableChoice:
    request = RestoreRequest(name=BACKUP.backup, **fields)
    return choose_tables(BACKUP, request, BackupPolicy.parse(policy))


@pytest.mark.parametrize(
    ("policy", "taken"),
    [
        ('[[table]]\nname = "orders"', [ORDERS]),
        ('[[table]]\nname = "crm.users"', [USERS]),
        ('[backup]\ntables = "*"', [CUSTOMERS, ORDERS, SCRATCH]),
        ('[backup]\ntables = "*"\nexclude = ["tmp_*"]', [CUSTOMERS, ORDERS]),
        ('[backup]\ntables = "*"\nschemas = ["crm"]', [USERS]),
        (
            '[backup]\ntables = "*"\nexclude = ["tmp_*"]\n[[table]]\nname = "tmp_scratch"',
            [CUSTOMERS, ORDERS, SCRATCH],
        ),
    ],
)
def test_a_restore_takes_the_tables_that_the_policy_takes_and_names_the_others(
    policy: str, taken: list[object]
) -> None:
    chosen = choice(policy)

    assert list(chosen.entries) == taken
    assert list(chosen.left_out) == [e.name for e in BACKUP.tables if e not in taken]


def test_whoever_names_a_table_gets_it_whatever_the_policy_says() -> None:
    chosen = choice('[[table]]\nname = "orders"', tables=("crm.users", "customers"))

    assert chosen == TableChoice((USERS, CUSTOMERS))


def test_a_policy_that_names_none_of_them_is_refused_with_the_names() -> None:
    with pytest.raises(UnsafeOperationError, match="The policy names no table of") as refused:
        choice('[[table]]\nname = "invoices"')

    assert refused.value.hint is not None
    assert "(--table, tables)" in refused.value.hint
    assert "It has: crm.users, public.customers" in refused.value.hint


def test_an_incomplete_table_is_not_among_those_that_were_left_out() -> None:
    manifest = a_manifest(tables=(ORDERS, an_entry(a_table("b"), status=TableStatus.FAILED)))
    policy = BackupPolicy.parse('[[table]]\nname = "orders"')

    chosen = choose_tables(manifest, RestoreRequest(name=manifest.backup), policy)

    assert chosen == TableChoice((ORDERS,))
