"""Definitions as pg_dump writes them."""

from __future__ import annotations


def a_dump(*definitions: tuple[str, str, str], server: int = 17, pg_dump: int = 18) -> str:
    """Of kind, name and SQL each, in the schema public."""
    head = (
        f"-- Dumped from database version {server}.4 (Debian)\n"
        f"-- Dumped by pg_dump version {pg_dump}.1\n\nSET lock_timeout = 0;\n\n"
    )
    return head + "".join(
        f"--\n-- Name: {name}; Type: {kind}; Schema: public; Owner: -\n--\n\n{sql}\n\n\n"
        for kind, name, sql in definitions
    )
