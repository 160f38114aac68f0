from __future__ import annotations

import pytest

from supakeep.domain.backed_up_files import BackedUpFiles, BucketFiles
from supakeep.domain.bucket_coverage import judge_bucket
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.project_coverage import CoverageState

POLICY = FilesPolicy(buckets=["av*"], exclude=["avoid"])
LEFT = BackedUpFiles(left=1200)
ONE_LEFT = BackedUpFiles(
    left=7,
    per_bucket=(BucketFiles(bucket="avatars", files=3), BucketFiles(bucket="avs", left=7)),
    problems=(Problem(message="7 files could not be copied"),),
)
REFUSED = BackedUpFiles(problems=(Problem(message="There is no copy outside the project"),))


@pytest.mark.parametrize(
    ("bucket", "files", "state", "why"),
    [
        ("avatars", BackedUpFiles(), CoverageState.BACKED_UP, ""),
        ("avoid", BackedUpFiles(), CoverageState.CONFIGURED_OUT, "does not take it"),
        ("logos", None, CoverageState.CONFIGURED_OUT, "does not take it"),
        ("avatars", None, CoverageState.FAILED, "copied no files"),
        ("avatars", LEFT, CoverageState.FAILED, "1,200 files"),
        ("avatars", ONE_LEFT, CoverageState.BACKED_UP, ""),
        ("avs", ONE_LEFT, CoverageState.FAILED, "7 of its files"),
        ("avatars", REFUSED, CoverageState.FAILED, "no copy outside"),
    ],
)
def test_a_bucket_is_backed_up_when_the_policy_takes_it_and_its_files_are_whole(
    bucket: str, files: BackedUpFiles | None, state: CoverageState, why: str
) -> None:
    judged = judge_bucket(bucket, POLICY, files)

    assert judged.state is state
    assert why in judged.why
