"""A world whose project has files in Storage, and a second copy that holds them too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from supakeep.domain.policy import BackupPolicy
from tests.fakes.time import FixedClock
from tests.faults.machine import NIGHT
from tests.faults.proxy import FaultProxy
from tests.faults.servers import MIRROR, MotoAws
from tests.faults.world import Stores, World

BUCKET = "avatars"
OFFSITE = "offsite"
WITH_FILES = BackupPolicy.parse(
    f"""
    [backup]
    tables = "*"
    [backup.files]
    buckets = "{BUCKET}"
    [retention]
    keep_within_days = 7
    [[copy]]
    name = "{OFFSITE}"
    url = "s3://{OFFSITE}"
    """
)
PICTURES: Mapping[str, bytes] = {
    "ada.png": b"a picture of Ada",
    "folder/grace.png": b"a picture of Grace",
}
# long enough ago that no run can be about to name what was stored then
_STORED_AT = NIGHT - dt.timedelta(days=10)


class FilesWorld(World):
    """It starts with `pictures` in Storage, and the objects of `seed` in each store."""

    def __init__(
        self,
        proxy: FaultProxy,
        aws: MotoAws,
        seed: Stores,
        *,
        pictures: Mapping[str, bytes] = PICTURES,
        clock: FixedClock | None = None,
        folder: Path = Path(),
    ) -> None:
        super().__init__(proxy, aws, seed.get("primary", {}), clock=clock, folder=folder)
        self.policy = WITH_FILES
        self.storage.contents[BUCKET] = dict(pictures)
        self.aws.make_bucket(OFFSITE)
        for bucket in (MIRROR, OFFSITE):
            for key, content in seed.get(bucket, {}).items():
                self.aws.put(key, content, bucket, at=_STORED_AT)

    @property
    def pictures(self) -> dict[str, bytes]:
        """The files as the application sees them, by their names."""
        return self.storage.contents[BUCKET]

    @property
    def stores(self) -> Stores:
        return {**super().stores, OFFSITE: self.aws.objects(OFFSITE)}
