"""`make demo`: the main job, seen from the outside, on the embedded stack."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from devstack.demo.ageing import age
from devstack.demo.customer import (
    BUCKET,
    TABLES,
    CommandLine,
    a_customer,
    is_as_before,
    lose,
)
from devstack.demo.seed import seed
from devstack.demo.wreckage import ACCIDENTS, fingerprint, wreck
from devstack.errors import StackError
from devstack.stack import Options, local_stack
from supakeep.archive.manifest import parse_manifest
from supakeep.usecases.choose_stores import every_store
from supakeep.wiring import SupabaseProject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devstack.lambda_runtime.runtime import Invocation
    from devstack.stack import Stack

STEPS = 10
AGED_DAYS = range(1, 10)
RUN_SECONDS = 120


class DemoError(StackError):
    """Something that the demo is to show did not happen."""


def main(arguments: Sequence[str] = ()) -> int:
    """Runs the demo with the named engine, `rest` by default; returns the exit code."""
    began = time.monotonic()
    step(1, "Start PostgreSQL, Supabase Lite, AWS services and the functions (built once)")
    engine: Literal["rest", "postgres"] = "postgres" if "postgres" in arguments else "rest"
    try:
        with local_stack(options=Options(engine=engine)) as stack:
            tell(f"Supabase at {stack.supabase_url}, HTTP API at {stack.api_url}")
            tell(stack.why_not_emulated or "the functions run in the real Lambda runtime")
            summary = show(stack)
    except StackError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    print(f"\n{summary}\nDone in {time.monotonic() - began:.0f} s; no process is left behind.")
    return 0


def show(stack: Stack) -> str:
    """The steps; returns the summary table."""
    step(2, "Seed Jewelshot")
    rows = seed(stack.database_url)
    for table, count in rows.items():
        tell(f"{table:<28} {count:>7,} rows")
    before = fingerprint(stack.database_url)
    backup = back_up(stack)
    os.environ.update(stack.environment())  # boto3 finds the stack's AWS services there
    project = SupabaseProject.from_environment(os.environ)
    locations = show_objects(project, backup["name"])
    proven = drill(stack)
    step(6, "Wreck the tables")
    touched = wreck(stack.database_url)
    for accident in ACCIDENTS:
        tell(f"{accident}: {touched[accident]:,} rows")
    restored = restore(stack, backup["name"])
    step(8, "Compare with what was there before: every value of every row")
    compare(before, fingerprint(stack.database_url))
    customer = lose_a_customer(stack, before)
    pruned = prune(stack, project, backup["name"])
    lines = summarize(backup, locations, proven, restored, before)
    lines |= {
        "brought back": customer,
        "pruned": f"{pruned[0]} backups removed, {pruned[1]} kept",
    }
    return as_table(lines)


def back_up(stack: Stack) -> dict[str, Any]:
    """The scheduled event, as EventBridge Scheduler sends it; returns the backup's summary."""
    step(3, "Back up: the nightly schedule fires the backup function")
    run = result_of(stack.schedule("BackupFunction"))
    expect(run["status"] == "complete", f"the backup ended {run['status']}: {run}")
    result: dict[str, Any] = run["result"]
    for table in result["tables"]:
        tell(f"{table['name']:<28} {table['rows']:>7,} rows   {table['policy']}")
    tell(f"engine {result['engine']}, consistency {result['consistency']}")
    tell(f"{result['name']}: {result['rows']:,} rows, {result['size_bytes']:,} bytes")
    stack.wait_idle()  # a good backup starts a prune
    return result


def show_objects(project: SupabaseProject, name: str) -> list[str]:
    """The backup's objects, as the stores list them."""
    step(4, "Look at the objects in Supabase Storage and in the S3 mirror")
    for store in every_store(project):
        objects = [entry for entry in store.list("daily/") if name in entry.key]
        expect(len(objects) > 1, f"{store.name} lacks {name}")
        for entry in objects:
            tell(f"{store.name:<7} {entry.key:<53} {entry.size_bytes:>9,} B")
    return [store.name for store in every_store(project)]


def drill(stack: Stack) -> str:
    """The night's backup, restored where it does no harm; returns how far up the ladder that came."""
    step(5, "Drill the backup: restore it into a PostgreSQL that is thrown away, compare every row")
    accepted = call(stack, "POST", "/api/admin/drills", {"name": "latest"})
    run = follow(stack, accepted["status_url"])
    expect(run["status"] == "complete", f"the drill ended {run['status']}: {run['error']}")
    rungs = run["result"]["rungs"]
    for rung in rungs:
        figures = ", ".join(f"{number:,} {noun}" for noun, number in rung["figures"].items())
        tell(f"{rung['rung']:<11} {rung['outcome']:<8} {figures}")
    proven = [rung["rung"] for rung in rungs if rung["outcome"] == "proven"]
    return ", ".join(proven)


def restore(stack: Stack, name: str) -> dict[str, Any]:
    """A restore over the HTTP API: accepted at once, then followed to its end."""
    step(7, "Restore over the HTTP API: POST /api/admin/restore, then follow the run")
    accepted = call(
        stack, "POST", "/api/admin/restore", {"name": name, "confirm": stack.destination}
    )
    run = follow(stack, accepted["status_url"])
    expect(run["status"] == "complete", f"the restore ended {run['status']}: {run['error']}")
    for table in run["result"]["tables"]:
        tell(
            f"{table['name']:<26} {table['inserted']:>5,} inserted {table['updated']:>5,} updated "
            f"{table['unchanged']:>6,} unchanged"
        )
    result: dict[str, Any] = run["result"]
    return result


def compare(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> None:
    """Raises DemoError if a table is not as it was."""
    for table, (rows, digest) in before.items():
        same = after[table] == (rows, digest)
        tell(f"{table:<22} {rows:>7,} rows   {'identical' if same else 'DIFFERENT'}")
        expect(same, f"{table} is not as it was before")


def lose_a_customer(stack: Stack, before: dict[str, tuple[int, str]]) -> str:
    """A login, rows and files, backed up into a folder, lost, and restored by name; returns what came back."""
    step(9, "Lose a customer: her login, her rows and her pictures in Storage; then bring her back")
    lost = a_customer(stack)
    with tempfile.TemporaryDirectory(prefix="supakeep-demo-") as folder:
        supakeep = CommandLine(stack, Path(folder))
        backup = supakeep.run("backup", "--to", "copies")
        files = backup["files"]
        expect(backup["status"] == "complete", f"the backup ended {backup['status']}: {backup}")
        tell(f"supakeep backup --to copies: {backup['rows']:,} rows, {files['files']} files")
        lose(stack, lost)
        expect(before != fingerprint(stack.database_url), "nothing was lost")
        tell(f"{lost.email} is deleted, and her {len(lost.pictures)} pictures are")
        tables = [option for table in TABLES for option in ("--table", table)]
        rows = supakeep.run(
            *("restore", "latest", "--from", "copies", "--auth", lost.email, *tables),
            *("--where", f"user_id={lost.id}", "--confirm", stack.database_place),
        )
        written = sum(table["inserted"] for table in rows["tables"])
        tell(f"supakeep restore latest --auth {lost.email} --where user_id=…: {written:,} rows")
        supakeep.run(
            *("restore", "latest", "--from", "copies", "--files", f"{BUCKET}/{lost.id}"),
            *("--confirm", stack.project_ref),
        )
        tell(f"supakeep restore latest --files {BUCKET}/…: {len(lost.pictures)} files")
    compare(before, fingerprint(stack.database_url))
    expect(is_as_before(stack, lost), "her login or a picture is not as it was before")
    return f"a login, {written:,} rows and {len(lost.pictures)} files of a customer"


def prune(stack: Stack, project: SupabaseProject, name: str) -> tuple[int, int]:
    """Nine backups of past days, and what retention does with them; returns removed and kept."""
    step(10, "Age nine backups over nine days and prune to seven")
    for store in every_store(project):
        with store.read(f"daily/{name}.manifest.json") as pieces:
            manifest = parse_manifest(b"".join(pieces), f"daily/{name}.manifest.json")
        for days in AGED_DAYS:
            age(store, manifest, days, stack.keyring)
    run = result_of(stack.invoke("PruneFunction", {"action": "prune"}))
    expect(run["status"] == "complete", f"the prune ended {run['status']}")
    primary = run["result"]["stores"][0]["backups"]
    for backup in primary:
        tell(
            f"{backup['name']:<41} {'removed' if backup['removed'] else 'kept':<8} {backup['reason']}"
        )
    left = call(stack, "GET", "/api/admin/backups")["backups"]
    removed = [backup for backup in primary if backup["removed"]]
    expect(len(left) == len(primary) - len(removed), "the list and the prune disagree")
    expect(
        {b["name"] for b in removed}.isdisjoint(b["name"] for b in left), "a removed one is listed"
    )
    return len(removed), len(left)


def summarize(
    backup: dict[str, Any],
    locations: list[str],
    proven: str,
    restored: dict[str, Any],
    before: dict[str, tuple[int, str]],
) -> dict[str, str]:
    """What happened to the tables, by a word each."""
    written = sum(table["inserted"] + table["updated"] for table in restored["tables"])
    return {
        "backed up": f"{backup['rows']:,} rows of {len(backup['tables'])} tables",
        "stored in": " and ".join(locations),
        "drilled": proven,
        "restored": f"{written:,} damaged rows written back",
        "compared": f"{sum(rows for rows, _ in before.values()):,} rows, all identical",
    }


def as_table(lines: dict[str, str]) -> str:
    """Two columns in a frame."""
    names, width = max(map(len, lines)), max(map(len, lines.values()))
    rule = f"+-{'-' * names}-+-{'-' * width}-+"
    return "\n".join([rule, *(f"| {k:<{names}} | {v:<{width}} |" for k, v in lines.items()), rule])


def result_of(invocation: Invocation) -> Any:
    """What the function returned; DemoError with what it raised."""
    expect(invocation.error is None, f"the function failed: {invocation.payload.decode()[:2000]}")
    return invocation.value()


def call(stack: Stack, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to the HTTP API with the admin key."""
    request = urllib.request.Request(  # noqa: S310
        f"{stack.api_url}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {stack.admin_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response)


def follow(stack: Stack, path: str) -> dict[str, Any]:
    """A run's record once it has ended."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        run: dict[str, Any] = call(stack, "GET", path)
        if run["status"] not in ("queued", "running"):
            return run
        time.sleep(0.2)
    raise DemoError(f"{path} has not ended after {RUN_SECONDS} s")


def expect(true: bool, otherwise: str) -> None:  # noqa: FBT001
    """Raises DemoError with the sentence `otherwise`."""
    if not true:
        raise DemoError(otherwise)


def step(number: int, what: str) -> None:
    """Announces a step."""
    print(f"\n[{number}/{STEPS}] {what}", flush=True)


def tell(what: str) -> None:
    """Prints what came of the step."""
    print(f"      {what}", flush=True)
