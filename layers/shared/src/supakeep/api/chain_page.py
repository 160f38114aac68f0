"""A page of the ledger or of the audit log, from every store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol

from supakeep.api.request import Requests
from supakeep.domain.chain import E
from supakeep.ports import ObjectStore
from supakeep.usecases.read_chain import StoreChain
from supakeep.usecases.verify_ledger import LedgerReport, verify_ledger


class ReadChains(Protocol[E]):
    """Reads what each store holds, as `read_chain` does."""

    def __call__(
        self,
        stores: Sequence[ObjectStore],
        project: str | None,
        *,
        before: str | None = None,
        newest: int | None = None,
    ) -> list[StoreChain[E]]: ...


class ChainPage(NamedTuple, Generic[E]):
    """One entry more than the page has, to know whether there is another one."""

    chains: list[StoreChain[E]]
    verification: LedgerReport | None


def chain_page(
    request: Requests, read: ReadChains[E], limit: int, before: str | None, *, verify: bool
) -> ChainPage[E]:
    """The newest entries below `before`; with `verify` each entry is read once, and all are judged."""
    project, stores = request().project, request().stores()
    newest = limit + 1
    if not verify:
        return ChainPage(read(stores, project.ref, before=before, newest=newest), None)
    every = read(stores, project.ref)
    report = verify_ledger(every, project.clock.now())
    return ChainPage([one.below(before, newest) for one in every], report)
