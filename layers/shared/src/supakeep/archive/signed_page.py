"""Pages of HTML whose last line signs all that stands before it (docs/format.md)."""

from __future__ import annotations

import hashlib
import re

from supakeep.archive.signature import Keyring
from supakeep.errors import SignatureError, UnsignedError

_PURPOSE = "supakeep ledger report"
_LINE = re.compile(
    rb"<!-- supakeep-signature (?P<algorithm>[\w-]+) (?P<key_id>\w+) (?P<value>\w+) -->\s*\Z"
)


def signed_page(html: str, keyring: Keyring) -> str:
    """The page, which ends with a newline, and a last line that signs it."""
    signature = keyring.sign(_PURPOSE, _fields(html.encode()))
    line = f"{signature.algorithm} {signature.key_id} {signature.value}"
    return f"{html}<!-- supakeep-signature {line} -->\n"


def check_page(content: bytes, keyring: Keyring) -> str:
    """The name of the key that signed the page. Raises UnsignedError for a page without a signature,
    SignatureError for one that was not signed with a key that is known, or changed since.
    """
    line = _LINE.search(content)
    if line is None:
        raise UnsignedError(
            "The report has no signature in its last line",
            operation="verify report",
            hint="Reports are signed where SIGNING_KEY is set when they are made; whoever changes one may "
            "take the line away.",
        )
    stored = {name: value.decode() for name, value in line.groupdict().items()}
    try:
        keyring.check_stored(_PURPOSE, _fields(content[: line.start()]), stored)
    except SignatureError as exc:
        raise SignatureError(
            f"The report cannot be trusted: {exc.message}",
            operation="verify report",
            hint="It is not what Supakeep wrote. Ask for a new one: `supakeep ledger report`.",
        ) from None
    return stored["key_id"]


def _fields(page: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(page).hexdigest()}
