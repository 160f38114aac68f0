"""Runs in a folder of this machine, a file for each: what the command line did, where no table is named."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from supakeep.domain.run import RUN_RETENTION, Run
from supakeep.runs.in_memory import InMemoryRunStore

log = logging.getLogger(__name__)

T = TypeVar("T")

_ENDING = ".json"
_OF_A_RUN = re.compile(r"\d{8}T\d{6}Z-[a-z0-9]{4,32}\.")


class FolderRunStore(InMemoryRunStore):
    """The runs of one project, in files that only this user may read, for thirty days. Its leases keep
    apart only what this process does.

    A record that cannot be written is logged, and known to this process only: a run does not fail
    because of its record.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def create(self, run: Run) -> bool:
        return super().create(run) and _tolerated(lambda: self._create(run), otherwise=True)

    def save(self, run: Run) -> None:
        super().save(run)
        _tolerated(lambda: self._save(run), otherwise=None)

    def get(self, run_id: str) -> Run | None:
        """None also for a record that is damaged, or that another user wrote."""
        own = super().get(run_id)
        return self._read(run_id) if own is None else own

    def list(self, limit: int, before: str | None = None) -> Sequence[Run]:
        runs: list[Run] = []
        for run_id in sorted({*self._ids(), *self._runs}, reverse=True):
            if len(runs) == limit:
                break
            if before is None or run_id < before:
                run = self.get(run_id)
                runs += [run] if run is not None else []
        return runs

    def _read(self, run_id: str) -> Run | None:
        try:
            return Run.model_validate_json(self._file(run_id).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            log.warning("The record of run %s cannot be read", run_id, exc_info=True)
            return None

    def _save(self, run: Run) -> None:
        self._written(run).replace(self._file(run.id))

    def _create(self, run: Run) -> bool:
        written = self._written(run)
        self._sweep(run)
        try:
            # refused where the name is taken
            os.link(written, self._file(run.id))
        except FileExistsError:
            return False
        finally:
            written.unlink()
        return True

    def _sweep(self, run: Run) -> None:
        """Removes the records that were kept for long enough when `run` was requested."""
        oldest = f"{run.requested_at - RUN_RETENTION:%Y%m%dT%H%M%SZ}"
        for file in self._folder.iterdir():
            # the folder may hold files that nobody here wrote
            if _OF_A_RUN.match(file.name) and file.name < oldest:
                file.unlink(missing_ok=True)

    def _written(self, run: Run) -> Path:
        """The record as a file under a temporary name, so that no reader finds half of it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(".partial", f"{run.id}.", self._folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(run.model_dump_json())
        return Path(name)

    def _ids(self) -> Sequence[str]:
        try:
            return [file.stem for file in self._folder.iterdir() if file.suffix == _ENDING]
        except OSError:
            return ()

    def _file(self, run_id: str) -> Path:
        return self._folder / f"{run_id}{_ENDING}"


def _tolerated(write: Callable[[], T], otherwise: T) -> T:
    try:
        return write()
    except OSError:
        log.warning("The run could not be recorded", exc_info=True)
        return otherwise
