"""The use cases over a project that has files: what is disturbed are the calls that are about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from supakeep.domain.file_choice import EVERY_FILE, FileChoice
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.download_files import DownloadFiles
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.run_restore import RunRestore
from supakeep.wiring.places import folder_at
from tests.builders.manifests import PROJECT
from tests.fakes.runs import InMemoryTransfers
from tests.faults.calls import Call
from tests.faults.file_proof import files_of, problems_of_files
from tests.faults.files_world import BUCKET, OFFSITE
from tests.faults.servers import MIRROR
from tests.faults.use_cases import NEWEST, USE_CASES, UseCase
from tests.faults.world import World

_OF_ROWS = {use_case.name: use_case for use_case in USE_CASES}
_ABOUT_FILES = ("files/", "files%2F", "?delete", ".files.", f"/{BUCKET}", "GET bucket?")


def is_about_files(call: Call) -> bool:
    return any(part in call.what for part in _ABOUT_FILES)


def _pictures(world: World) -> dict[str, bytes]:
    return {f"{BUCKET}/{name}": held for name, held in world.storage.contents[BUCKET].items()}


def _change_pictures(world: World) -> None:
    """One is new since the last backup, another one was replaced."""
    world.storage.contents[BUCKET].update({"new.png": b"a new one", "ada.png": b"Ada, later"})


def _false_backup(world: World, run: Any) -> list[str]:
    if run["status"] != "complete":
        return []
    return [
        f"the files of {run['backup']} are not those of Storage in {copy}"
        for copy in (MIRROR, OFFSITE)
        if files_of(world.stores[copy], run["backup"]) != _pictures(world)
    ]


def _lose_pictures(world: World) -> None:
    del world.storage.contents[BUCKET]["folder/grace.png"]
    world.storage.contents[BUCKET].update({"ada.png": b"scribbled", "other.png": b"stays"})


def _restore(world: World) -> Run:
    project = world.project()
    now = project.clock.now()
    run = Run(
        id=new_run_id(now),
        kind=RunKind.RESTORE,
        trigger=Trigger.CLI,
        requested_at=now,
    )
    return RunRestore(project)(
        run, RestoreRequest(name=NEWEST, confirm=PROJECT, files=(EVERY_FILE,))
    )


def _false_restore(world: World, run: Run) -> list[str]:
    report = run.result
    if not isinstance(report, RestoreReport) or report.files is None or report.files.refused:
        return []
    kept = files_of(world.stores[OFFSITE], NEWEST)
    wrong = [path for path, content in kept.items() if _pictures(world).get(path) != content]
    return [f"{path} is not as it was" for path in wrong]


def _lose_objects(world: World) -> None:
    """One file object of the mirror is gone, another one was damaged."""
    lost, damaged = sorted(key for key in world.aws.objects() if key.startswith("files/"))[:2]
    world.aws.delete(lost)
    world.aws.put(damaged, b"damaged")


def _false_copy(world: World, run: Any) -> list[str]:
    if run["status"] != "complete":
        return []
    return [
        problem
        for copy in (MIRROR, OFFSITE)
        for problem in problems_of_files(world.stores[copy], NEWEST, copy)
    ]


def _verify(world: World) -> Any:
    return world.invoke("restore", {"action": "verify", "name": NEWEST})


def _false_verification(world: World, run: Any) -> list[str]:
    said = {copy["store"] for copy in run["result"]["copies"] if copy["good"]}
    wrong = [copy for copy in said if problems_of_files(world.stores[copy], NEWEST, copy)]
    return [f"the files of {NEWEST} are not good in {copy}" for copy in wrong]


def _download(world: World) -> Any:
    project = world.project()
    reader = find_backup(every_store(project), NEWEST, PROJECT, now=project.clock.now())
    folder = folder_at(str(world.folder))
    return DownloadFiles(folder, reader, NoDeadline(), InMemoryTransfers())(
        FileChoice((EVERY_FILE,))
    )


def _false_download(world: World, report: Any) -> list[str]:
    if not report.is_whole:
        return []
    there = {
        str(path.relative_to(world.folder)): path.read_bytes()
        for path in world.folder.rglob("*")
        if path.is_file()
    }
    return [] if there == files_of(world.stores[OFFSITE], NEWEST) else ["other files were written"]


FILE_USE_CASES = [
    replace(
        _OF_ROWS["backup"],
        name="backup of files",
        false_claims=_false_backup,
        prepare=_change_pictures,
        of_each_kind=True,
    ),
    UseCase(
        "restore of files", _restore, _false_restore, prepare=_lose_pictures, of_each_kind=True
    ),
    replace(_OF_ROWS["prune"], name="prune of files", of_each_kind=True),
    UseCase(
        "verify of files", _verify, _false_verification, prepare=_lose_objects, of_each_kind=True
    ),
    replace(
        _OF_ROWS["copy"],
        name="copy of files",
        false_claims=_false_copy,
        prepare=_lose_objects,
        of_each_kind=True,
    ),
    UseCase("download of files", _download, _false_download, is_invoked=False, of_each_kind=True),
]
