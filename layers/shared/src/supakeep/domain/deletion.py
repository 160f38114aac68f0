"""What a deletion of one backup removed, and what keeps a backup from being deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem
from supakeep.domain.pin import Pin
from supakeep.errors import UnsafeOperationError

_FEW = 20


class DeletedStore(BaseModel):
    """One store: the keys that were removed (in a dry run: would be), and those that a `problem` left."""

    model_config = ConfigDict(frozen=True)

    store: str
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    bytes: int = 0
    problem: Problem | None = None


class DeleteReport(BaseModel):
    """One backup in the stores that held it."""

    model_config = ConfigDict(frozen=True)

    backup: str
    dry_run: bool
    stores: tuple[DeletedStore, ...]

    @property
    def is_whole(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(store.problem for store in self.stores if store.problem is not None)

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    def without_details(self) -> Self:
        """Of each store's keys only some, as there can be many."""
        stores = tuple(
            store.model_copy(update={"removed": store.removed[:_FEW], "left": store.left[:_FEW]})
            for store in self.stores
        )
        return self.model_copy(update={"stores": stores})


def require_unpinned(backup: str, pins: Sequence[Pin]) -> None:
    """`pins` are those that hold. Raises UnsafeOperationError for any."""
    if pins:
        raise UnsafeOperationError(
            f"{backup} is not deleted: in {pins[0].store} it {_is(pins[0])}",
            operation="delete",
            key=backup,
            hint=f"`supakeep unpin {backup}` unpins it.",
        )


def _is(pin: Pin) -> str:
    return str(pin) if pin.problem else f"is {pin}"


def require_another_good(backup: str, store: str, *, exists: bool) -> None:
    """Raises UnsafeOperationError where the store would be left without a good backup."""
    if not exists:
        raise UnsafeOperationError(
            f"{backup} is not deleted: no other good backup is in {store}",
            operation="delete",
            key=backup,
            hint="Make a new one first (`supakeep backup`), or copy one there (`supakeep copy --all`).",
        )


def require_not_newest_proven(backup: str, store: str, reason: str | None) -> None:
    """`reason` says in which way it is the store's newest proven backup. Raises UnsafeOperationError."""
    if reason is not None:
        raise UnsafeOperationError(
            f"{backup} is not deleted: in {store} it is {reason}",
            operation="delete",
            key=backup,
            hint="Prove a newer one first (`supakeep drill`). `supakeep ledger` shows what was proven.",
        )


def require_confirmation(backup: str, ref: str, confirm: str | None) -> None:
    """Raises UnsafeOperationError unless the project's ref is repeated."""
    if confirm != ref:
        given = "nothing was given" if confirm is None else f"{confirm[:100]!r} was given"
        raise UnsafeOperationError(
            f"The deletion of {backup} was not confirmed: {given}",
            operation="delete",
            key=backup,
            hint=f"Repeat the project's ref: --confirm {ref}. `--dry-run` shows what would be removed.",
        )
