"""Find out what of the project a backup holds, and what is new among what it does not."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from supakeep.domain.judge_coverage import judged_objects
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.project_coverage import ProjectCoverage, appeared_words, compared, summed_up
from supakeep.domain.project_object import ProjectObject
from supakeep.domain.run import problem_of
from supakeep.errors import DatabaseError
from supakeep.ports import Snapshot

log = logging.getLogger(__name__)


def listed_objects(snapshot: Snapshot) -> Sequence[ProjectObject] | DatabaseError:
    """A backup that cannot list them is better than none: why not is told in it."""
    try:
        return snapshot.inventory()
    except DatabaseError as exc:
        log.warning("What the project is made of could not be listed", exc_info=True)
        return exc


def find_coverage(
    manifest: Manifest,
    listed: Sequence[ProjectObject] | DatabaseError,
    policy: BackupPolicy,
    before: Manifest | None,
    *,
    sees_all: bool,
) -> ProjectCoverage:
    """What `manifest` holds of what was listed, compared with the backup `before`; logs what is new."""
    objects = [] if isinstance(listed, DatabaseError) else listed
    problem = problem_of(listed) if isinstance(listed, DatabaseError) else None
    judged = list(judged_objects(objects, manifest, policy, sees_all=sees_all))
    former = (before.backup, before.coverage) if before and before.coverage else None
    coverage = compared(summed_up(judged, problem), former, manifest.started_at)
    for words in appeared_words(coverage.appeared):
        log.warning("%s", words)
    return coverage
