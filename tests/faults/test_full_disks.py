"""The disk of the machine is full after so many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.calls import Call
from tests.faults.child import Assignment, end_of, start
from tests.faults.machine import NIGHT, Outcome
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.tally import SESSION, Failing, Finding
from tests.faults.use_cases import USE_CASES, UseCase
from tests.faults.world import World

# what writes to a disk: volumes wait there for their upload, and a download is to stay there
WRITING = [use_case for use_case in USE_CASES if use_case.name in ("backup", "copy", "download")]
VOLUME_BYTES = 1024


# what the system says, and Python where no folder for temporary files takes a byte
_FULL = ("File too large", "No usable temporary directory")


class RefusedError(Exception):
    """The process ended with an error of its own."""


@dataclass(frozen=True)
class FullDisk:
    """Runs a use case in a process of which no file gets larger than `most_bytes`."""

    use_case: UseCase
    most_bytes: int
    folder: Path

    def __call__(self, world: World) -> tuple[Outcome, list[Finding]]:
        assignment = Assignment(
            self.use_case.name, world.url, NIGHT, world.folder, self.folder / "end", self.most_bytes
        )
        process = start(assignment)
        process.join(timeout=60)
        process.close()
        end = end_of(assignment)
        return Outcome(error=RefusedError(end.error), said=end.said), _wrong(end.error, end.said)


def _wrong(error: str | None, said: str) -> list[Finding]:
    if error is None:
        return []
    refused = error in ("StorageError", "MachineError") and any(why in said for why in _FULL)
    return [] if refused else [Finding(Failing.OTHER, f"another error: {error}")]


@pytest.mark.parametrize("most_bytes", [0, 1, VOLUME_BYTES // 2, VOLUME_BYTES - 1])
@pytest.mark.parametrize("use_case", WRITING, ids=lambda use_case: use_case.name)
def test_a_full_disk_breaks_no_promise(
    use_case: UseCase,
    most_bytes: int,
    make_world: MakeWorld,
    recordings: dict[str, list[Call]],
    tmp_path: Path,
) -> None:
    matrix = Matrix(use_case, make_world, SESSION, recordings)

    broken = matrix.try_one(
        f"no file beyond {most_bytes} bytes", FullDisk(use_case, most_bytes, tmp_path)
    )

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
