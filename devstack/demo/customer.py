"""One customer of Jewelshot: her login, her rows and her pictures, lost and brought back by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import psycopg

from devstack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devstack.stack import Stack

BUCKET = "results"
# what carries a user's ID
TABLES = ("user_credits", "credit_transactions", "batch_projects")
POLICY = f"""
{"".join(f'[[table]]{chr(10)}name = "{table}"{chr(10)}' for table in TABLES)}
[backup.files]
buckets = "{BUCKET}"
"""
# nobody else's rows hang on her batches
CUSTOMER = """
select id::text, email from auth.users u
 where not exists (select from public.batch_projects p where p.user_id = u.id) order by email limit 1
"""
LOGIN = "select u::text from auth.users u where id = %s"


@dataclass(frozen=True)
class Customer:
    """`login` is the row that lets her log in, `pictures` are her files by their names."""

    id: str
    email: str
    login: str
    pictures: Mapping[str, bytes]


class Pictures:
    """The bucket in Storage, as Jewelshot itself uses it."""

    def __init__(self, stack: Stack) -> None:
        self._http = httpx.Client(
            base_url=f"{stack.supabase_url}/storage/v1", headers={"apikey": stack.service_key}
        )

    def make_bucket(self) -> None:
        self._asked("POST", "bucket", json={"id": BUCKET, "name": BUCKET})

    def upload(self, name: str, content: bytes) -> None:
        headers = {"content-type": "image/webp"}
        self._asked("POST", f"object/{BUCKET}/{quote(name)}", content=content, headers=headers)

    def delete(self, names: list[str]) -> None:
        self._asked("DELETE", f"object/{BUCKET}", json={"prefixes": names})

    def download(self, name: str) -> bytes:
        return self._asked("GET", f"object/{BUCKET}/{quote(name)}").content

    def _asked(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, path, **options).raise_for_status()


def a_customer(stack: Stack) -> Customer:
    """One of those that were seeded; her pictures are uploaded."""
    with psycopg.connect(stack.database_url) as connection:
        row = connection.execute(CUSTOMER).fetchone()
        if row is None:
            raise StackError("the demo has no customer")
        login = connection.execute(LOGIN, [row[0]]).fetchone()
    made = {f"{row[0]}/piece-{number}.webp": os.urandom(40_000) for number in (1, 2, 3)}
    pictures = Pictures(stack)
    pictures.make_bucket()
    for name, content in made.items():
        pictures.upload(name, content)
    return Customer(row[0], row[1], str(login and login[0]), made)


def lose(stack: Stack, customer: Customer) -> None:
    """Her account is deleted, and with it her rows; then her pictures."""
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("delete from auth.users where id = %s", [customer.id])
    Pictures(stack).delete([*customer.pictures])


def is_as_before(stack: Stack, customer: Customer) -> bool:
    """Whether she can log in as before, and every byte of her pictures is there."""
    with psycopg.connect(stack.database_url) as connection:
        login = connection.execute(LOGIN, [customer.id]).fetchone()
    pictures = Pictures(stack)
    same = all(pictures.download(name) == content for name, content in customer.pictures.items())
    return same and login == (customer.login,)


class CommandLine:
    """`supakeep`, in a folder with a policy of its own, with the project's keys and its database."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        (folder / "supakeep.toml").write_text(POLICY)
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "NEXT_PUBLIC_SUPABASE_URL": stack.supabase_url,
            "SUPABASE_PROJECT_REF": stack.project_ref,
            "SUPABASE_SERVICE_ROLE_KEY": stack.service_key,
            "SUPABASE_DB_URL": stack.database_url,
            "SIGNING_KEY": stack.signing_key,
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def run(self, *arguments: str) -> dict[str, Any]:
        """What the command answers with --json. Raises StackError where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "supakeep", *arguments, "--json"],
            cwd=self._folder, env=self._environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise StackError(f"supakeep {' '.join(arguments)}:\n{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
