"""A project with two stores, a table of runs, a secret and three functions, all behind the proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.builders.backups import a_shop
from tests.fakes.storage_server import InMemoryStorageServer
from tests.fakes.time import FixedClock
from tests.faults.calls import Journal
from tests.faults.http_faults import Reply
from tests.faults.machine import NIGHT, Machine, Outcome, Rows, Shop
from tests.faults.proxy import FaultProxy
from tests.faults.scratch import WatchedScratchServer
from tests.faults.secrets import NEW_KEY, SECRET
from tests.faults.servers import LambdaService, MotoAws, StorageService

Stores = dict[str, dict[str, bytes]]


class World(Machine):
    """A machine, and the servers that it talks to. It starts with the objects of `seed` in each store."""

    def __init__(
        self,
        proxy: FaultProxy,
        aws: MotoAws,
        seed: Mapping[str, bytes],
        *,
        clock: FixedClock | None = None,
        folder: Path = Path(),
        shop: Shop | None = None,
    ) -> None:
        super().__init__(
            proxy.url,
            shop or a_shop(),
            clock or FixedClock(NIGHT, tick_seconds=0.25),
            folder=folder,
        )
        self.aws = aws
        self.storage = InMemoryStorageServer()
        self.service = StorageService(SECRET["SUPABASE_SERVICE_ROLE_KEY"], self.storage)
        self.journal: Journal[Any] = Journal()
        self.scratch = self.scratch_server = WatchedScratchServer(self.journal)
        # the rows at the start, and after a wreck, where there was one
        self.intact: Rows = self.shop.everything()
        self.wrecked: Rows | None = None
        # what other runs did meanwhile
        self.others: list[Outcome] = []
        # the backups that a prune may have removed
        self.may_go: frozenset[str] = frozenset()
        self._connect(proxy)
        self._fill(seed)

    def _connect(self, proxy: FaultProxy) -> None:
        proxy.journal = self.journal
        proxy.servers = {
            "storage": self.service.answer,
            "data api": self.service.answer,
            "lambda": LambdaService([]).answer,
            "notices": lambda _: Reply(200, b"ok"),
            **dict.fromkeys(("s3", "dynamodb", "secretsmanager"), self.aws.answer),
        }

    def _fill(self, seed: Mapping[str, bytes]) -> None:
        self.aws.reset(SECRET)
        self.storage.objects = dict(seed)
        for key, content in seed.items():
            self.aws.put(key, content)

    @property
    def stores(self) -> Stores:
        """What each store holds, past the proxy and past Supakeep."""
        return {"primary": dict(self.storage.objects), "mirror": self.aws.objects()}

    def deliver_again(self, **context: str) -> None:
        """The event that came first, once more."""
        function, event = self.delivered[0]
        self.also(lambda: self.invoke(function, event, **context))

    def also(self, work: Callable[[], Any]) -> None:
        """Does other work, while the use case waits."""
        self.others.append(self.watch(work))

    def use_new_key(self) -> None:
        """The secret gets the key that Storage has now."""
        self.aws.replace_secret({**SECRET, "SUPABASE_SERVICE_ROLE_KEY": NEW_KEY})

    def settle(self) -> None:
        """Whatever lease was left has expired, and whoever was to do something has done it."""
        self.clock.advance(minutes=6)
        self.milliseconds_left = 600_000
        if self.service.key == NEW_KEY:
            self.use_new_key()
