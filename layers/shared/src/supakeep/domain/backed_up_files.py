"""What a backup knows of the files of Storage: the `files` of its manifest."""

from __future__ import annotations

from pydantic import NonNegativeInt

from supakeep.domain.manifest_parts import ManifestPart, Problem, VolumeEntry

MOST_BUCKETS = 1000
"""A manifest counts the files of as many buckets: those that hold the most bytes."""


class BucketFiles(ManifestPart):
    """The files of one bucket that are in the backup, and how many are `left`, as below."""

    bucket: str
    files: NonNegativeInt = 0
    bytes: NonNegativeInt = 0
    left: NonNegativeInt = 0


class BackedUpFiles(ManifestPart):
    """`files` and `bytes` are in the backup, `copied` of them since this backup began. `left` should be
    in it and are not; `too_large` are left out because the policy says so, and `left_out` because they were
    gone from Storage before they could be copied. `per_bucket` counts the same for each bucket that the
    policy takes; those with the most bytes come first. `tree` are the objects that
    name each file, `keys` those that name the stored objects, and `copies` the stores that have them.
    `problems` say why files are left, or why there is no tree at all.
    """

    buckets: NonNegativeInt = 0
    files: NonNegativeInt = 0
    bytes: NonNegativeInt = 0
    copied: NonNegativeInt = 0
    copied_bytes: NonNegativeInt = 0
    left: NonNegativeInt = 0
    left_bytes: NonNegativeInt = 0
    too_large: NonNegativeInt = 0
    left_out: NonNegativeInt = 0
    per_bucket: tuple[BucketFiles, ...] = ()
    tree: tuple[VolumeEntry, ...] = ()
    keys: tuple[VolumeEntry, ...] = ()
    copies: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of_bucket(self, bucket: str) -> BucketFiles | None:
        """What it counts of this bucket; None where it does not."""
        return next((counted for counted in self.per_bucket if counted.bucket == bucket), None)

    @property
    def objects(self) -> tuple[VolumeEntry, ...]:
        """What is stored beside the document."""
        return (*self.tree, *self.keys)

    @property
    def is_whole(self) -> bool:
        """Every file that the policy takes is in every copy that is to hold it."""
        return not self.problems and not self.left
