"""The lease that keeps two runs of one project apart, and what is said where it is held or lost."""

from __future__ import annotations

from supakeep.errors import LeaseHeldError

# A run renews its lease while it works; one that has not for this long is dead.
LEASE_SECONDS = 300


def lease_held(holder: str) -> LeaseHeldError:
    """The error for a lease that the run `holder` has."""
    return LeaseHeldError(
        f"Run {holder} is at work on this project",
        operation="acquire lease",
        key=holder,
        hint="Wait for its end (GET /api/admin/runs/{id}); the lease of a crashed run ends "
        "by itself after five minutes.",
    )


def lease_lost(taker: str | None) -> LeaseHeldError:
    """The error of a run whose lease the run `taker` has taken; None where nobody has it."""
    return LeaseHeldError(
        f"Run {taker} took this project over from this one, which stopped"
        if taker
        else "The lease of this run is gone, and the run stopped",
        operation="renew lease",
        key=taker,
        hint="This run had shown no sign of life for five minutes, or a clock is wrong. Look at both "
        "runs (GET /api/admin/runs), and start this one again if it is still needed.",
    )


def lease_lapsed(run_id: str) -> LeaseHeldError:
    """The error of a run that could not renew its lease until another run may take it."""
    return LeaseHeldError(
        "The lease could not be renewed for minutes, so another run may be at work; this one stopped",
        operation="renew lease",
        key=run_id,
        hint="The table of runs (RUNS_TABLE) does not answer. Start the run again when it does.",
    )
