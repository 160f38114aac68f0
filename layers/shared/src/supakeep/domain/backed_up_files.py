"""What a backup knows of the files of Storage: the `files` of its manifest."""

from __future__ import annotations

from pydantic import NonNegativeInt

from supakeep.domain.manifest_parts import ManifestPart, Problem, VolumeEntry


class BackedUpFiles(ManifestPart):
    """`files` and `bytes` are in the backup, `copied` of them since this backup began. `left` should be
    in it and are not; `too_large` are left out because the policy says so, and `left_out` because they were
    gone from Storage before they could be copied. `tree` are the objects that
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
    tree: tuple[VolumeEntry, ...] = ()
    keys: tuple[VolumeEntry, ...] = ()
    copies: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def objects(self) -> tuple[VolumeEntry, ...]:
        """What is stored beside the document."""
        return (*self.tree, *self.keys)

    @property
    def is_whole(self) -> bool:
        """Every file that the policy takes is in every copy that is to hold it."""
        return not self.problems and not self.left
