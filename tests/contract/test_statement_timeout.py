"""The local Data API gives a request as long as a hosted one does, or no test could see a timeout."""

from __future__ import annotations

import httpx
import pytest

from devstack.supabase.lite import STATEMENT_SECONDS
from tests.contract.conftest import Servers
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration


def test_a_request_has_the_seconds_of_a_hosted_project(
    servers: Servers, supabase: SupabaseWorkbench, http: httpx.Client
) -> None:
    supabase.execute(
        "create or replace function public.time_limit() returns text language sql as"
        " $$ select current_setting('statement_timeout') || ' ' || current_user $$"
    )
    try:
        answer = http.post(
            f"{servers.lite.url}/rest/v1/rpc/time_limit",
            headers={"apikey": servers.lite.secret_key},
        )
    finally:
        supabase.execute("drop function public.time_limit()")

    assert answer.json() == f"{STATEMENT_SECONDS}s service_role"


def test_authenticator_has_the_same(supabase: SupabaseWorkbench) -> None:
    query = (
        "select unnest(setconfig) from pg_db_role_setting where setrole = 'authenticator'::regrole"
    )

    assert supabase.owner.execute(query).fetchall() == [
        (f"statement_timeout={STATEMENT_SECONDS}s",)
    ]
