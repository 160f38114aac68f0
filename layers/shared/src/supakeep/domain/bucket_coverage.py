"""Whether a backup holds the files of one bucket of Storage."""

from __future__ import annotations

from supakeep.domain.backed_up_files import BackedUpFiles, BucketFiles
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.project_coverage import CoverageState, Judged
from supakeep.domain.project_object import ObjectKind


def judge_bucket(name: str, policy: FilesPolicy, files: BackedUpFiles | None) -> Judged:
    """`files` is what became of all buckets that the policy takes, None where none was to be copied."""
    if not policy.takes(name):
        return _judged(name, CoverageState.CONFIGURED_OUT, "[backup.files] does not take it")
    if files is None:
        return _judged(name, CoverageState.FAILED, "this backup copied no files")
    if (counted := files.of_bucket(name)) is not None:
        return _judge_counted(counted)
    if files.problems:
        return _judged(name, CoverageState.FAILED, files.problems[0].message)
    if files.left:
        why = f"{files.left:,} files of all buckets are not in every copy"
        return _judged(name, CoverageState.FAILED, why)
    return _judged(name, CoverageState.BACKED_UP)


def _judge_counted(counted: BucketFiles) -> Judged:
    if not counted.left:
        return _judged(counted.bucket, CoverageState.BACKED_UP)
    why = f"{counted.left:,} of its files are not in every copy"
    return _judged(counted.bucket, CoverageState.FAILED, why)


def _judged(name: str, state: CoverageState, why: str = "") -> Judged:
    return Judged(kind=ObjectKind.BUCKET, name=name, state=state, why=why)
