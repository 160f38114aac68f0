"""What PostgreSQL reports, without the values of rows that it quotes: that is what may be recorded."""

from __future__ import annotations

import re
from typing import NamedTuple

HIDDEN = "…"

# Classes of SQLSTATE (PostgreSQL's manual, appendix A) whose messages quote names only. Those of class 22,
# and those of extensions, quote what could not be read.
_ABOUT_NAMES = frozenset(
    ("08", "0A", "23", "25", "28", "2B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58")
)
# a syntax error in a statement that a function has put together
_SYNTAX_ERROR = "42601"
_INTEGRITY = "23"
_RAISED = "P0"
# A user's own words: RAISE stays untranslated in whatever language the server speaks. Other languages than
# PL/pgSQL raise without it.
_USERS_WORDS = re.compile(r"\bRAISE\b|\bPL/(?!pgSQL)")
_QUOTES = '"»«„“”「」'
_QUOTED = re.compile(f"[{_QUOTES}].*[{_QUOTES}]", re.DOTALL)
_BYTES = re.compile(r"0x[0-9a-fA-F]{2}(?: 0x[0-9a-fA-F]{2})*")
# `Key (email)=(ann@example.com) already exists.`
_KEY = re.compile(
    r"(?P<key>\w+ \(.+?\)=)\(.*\)(?P<tail> is not present in table \"[^\"]*\"\.| already exists\."
    r"| is duplicated\.| is still referenced from table \"[^\"]*\"\.|)",
    re.DOTALL,
)


class Report(NamedTuple):
    """An error of PostgreSQL. `context` is where it came up, such as within a trigger."""

    code: str
    message: str
    detail: str | None = None
    context: str | None = None

    @property
    def in_full(self) -> str:
        """With every value: for whoever asked."""
        return f"{self.message} ({self.detail})" if self.detail else self.message

    @property
    def without_values(self) -> str:
        """As it may be recorded."""
        if self._has_users_words:
            place = f": {self.place}" if self.place else ""
            return f"the database's own code refused, SQLSTATE {self.code}{place}"
        detail = self._detail_without_values
        return (
            f"{self._message_without_values} ({detail})" if detail else self._message_without_values
        )

    @property
    def place(self) -> str:
        """The innermost line of the context: the function and its line, and no statement that it ran."""
        innermost = self.context.splitlines()[0] if self.context else ""
        return without_quotes(innermost)

    @property
    def _has_users_words(self) -> bool:
        return self.code.startswith(_RAISED) or bool(_USERS_WORDS.search(self.context or ""))

    @property
    def _is_about_names(self) -> bool:
        # a lost connection and PostgREST's own errors have no SQLSTATE
        is_sqlstate = len(self.code) == len(_SYNTAX_ERROR)
        known = self.code[:2] in _ABOUT_NAMES and self.code != _SYNTAX_ERROR
        return known or not is_sqlstate

    @property
    def _message_without_values(self) -> str:
        return self.message if self._is_about_names else without_quotes(self.message)

    @property
    def _detail_without_values(self) -> str | None:
        if not self.detail or not self._is_about_names:
            return None
        if not self.code.startswith(_INTEGRITY):
            return self.detail
        key = _KEY.match(self.detail)
        return f"{key['key']}({HIDDEN}){key['tail']}" if key else None


def without_quotes(text: str) -> str:
    """A text without what it quotes: from its first quote to its last, as a value may have quotes too."""
    return _BYTES.sub(HIDDEN, _QUOTED.sub(f'"{HIDDEN}"', text))
