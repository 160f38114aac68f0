"""The time that a backup has for files: they are never what makes it too late for the manifest."""

from __future__ import annotations

from dataclasses import dataclass

from supakeep.errors import DeadlineExceededError
from supakeep.ports import Deadline, TimeLimit

# a call that began before may be tried again for more than a minute
_RESERVE_SECONDS = 120


@dataclass(frozen=True)
class FilesTime:
    """`work` is the run's own deadline, which `limit` says the time of."""

    work: Deadline
    limit: TimeLimit

    def check(self) -> None:
        """Raises DeadlineExceededError two minutes before the run's time is up."""
        self.work.check()
        left = self.limit.seconds_left()
        if left is not None and left < _RESERVE_SECONDS:
            raise DeadlineExceededError(
                "The time of this run was used up",
                operation="copy files",
                hint="The next backup goes on where this one stopped. From a shell, `supakeep backup` has "
                "no limit.",
            )
