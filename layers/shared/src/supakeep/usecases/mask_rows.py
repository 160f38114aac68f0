"""Mask columns of exported rows, before anything of them is written."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from supakeep.archive.layout import ROW_SEPARATOR
from supakeep.domain.policy import TablePolicy
from supakeep.domain.row_changes import members_of, text_of
from supakeep.errors import ExportError
from supakeep.ports import Rows


@dataclass(frozen=True)
class RowMask:
    """Writes `hashed` columns as a keyed hash of their text, and adds `nulls`, which were never read, as
    null. All else stays as it is, byte for byte.
    """

    hashed: frozenset[str]
    nulls: Sequence[str]
    key: bytes

    def __call__(self, rows: Rows) -> Rows:
        if not rows.count or not (self.hashed or self.nulls):
            return rows
        lines = map(self._masked, rows.lines.split(ROW_SEPARATOR))
        return Rows(ROW_SEPARATOR.join(lines), rows.count)

    def _masked(self, row: bytes) -> bytes:
        members = [*self._null_members(), *self._other_members(row.decode())]
        return f"{{{','.join(members)}}}".encode()

    def _null_members(self) -> Iterator[str]:
        for name in self.nulls:
            yield f"{json.dumps(name, ensure_ascii=False)}:null"

    def _other_members(self, text: str) -> Iterator[str]:
        for name, token, start, end in members_of(text):
            member = text[start:end].removeprefix(",")
            is_hashed = name in self.hashed
            yield member.removesuffix(token) + self._hash(token) if is_hashed else member

    def _hash(self, token: str) -> str:
        value = text_of(token)
        if value is None:
            return token
        return f'"{hmac.new(self.key, value.encode(), hashlib.sha256).hexdigest()}"'


def row_mask(table: str, policy: TablePolicy, key: bytes | None) -> RowMask:
    """What the policy of a table asks for. Raises ExportError where it hashes, and there is no key."""
    if policy.hashed and key is None:
        raise ExportError(
            f"Column {policy.hashed[0]} of {table} is to be hashed, and there is no SIGNING_KEY to hash it with",
            operation="export",
            key=table,
            hint="Set SIGNING_KEY (`openssl rand -hex 32` makes one): without a secret key, whoever reads "
            "the backup could find the values by trying them. Or mask the column with null.",
        )
    return RowMask(frozenset(policy.hashed), policy.nulled, key or b"")
