"""A database of one drill on a server that is there already, such as a spare project's."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

from psycopg import sql

from supakeep.databases.postgres.assertions import create_reader, drop_reader
from supakeep.databases.postgres.connection import Connection, connect
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.scratch import PostgresScratch, open_scratch

log = logging.getLogger(__name__)

PREFIX = "supakeep_drill_"
# only what a drill has named, and what this very role has made
_OF_DRILLS: LiteralString = """
select datname from pg_database
 where datname ~ '^supakeep_drill_[0-9a-f]{16}$' and datdba = (select oid from pg_roles where rolname = current_user)
"""
# a session holds it as long as it lives, whatever ends it
LOCK: LiteralString = "select pg_try_advisory_lock(hashtextextended($1, 0))"
UNLOCK: LiteralString = "select pg_advisory_unlock(hashtextextended($1, 0))"


class PostgresScratchServer:
    """A ScratchServer that makes a database of its own on the server at `url` for each drill, and drops
    it at the end. No database that is there already is looked into.

    The role of `url` must be allowed to create databases. `place` names the server without its password.
    """

    def __init__(self, url: str, place: str) -> None:
        self._url = url
        self.place = place

    def room(self) -> None:
        """PostgreSQL does not say how much of its disk is free."""
        return

    @contextmanager
    def open(self) -> Iterator[PostgresScratch]:
        with closing(connect(self._url)) as server, ExitStack() as at_the_end:
            with mapped_errors("drill"):
                drop_leftovers(server, "database", _OF_DRILLS, _drop_database)
                name = PREFIX + secrets.token_hex(8)
                # before it is there, so that nobody takes it for one that was left
                server.execute(LOCK, [name])
                at_the_end.callback(self._drop, name)
                _create(server, name)
                create_reader(server)
            url = _in_database(self._url, name)
            with open_scratch(url, url) as scratch:
                yield scratch

    def _drop(self, name: str) -> None:
        """On a connection of its own: the other one may be lost."""
        with closing(connect(self._url)) as server, mapped_errors("drill"):
            _drop_database(server, name)
            drop_reader(server)


def drop_leftovers(
    server: Connection, what: str, names: LiteralString, drop: Callable[[Connection, str], None]
) -> None:
    """What killed drills left: of those that the query `names` gives, each whose lock nobody holds."""
    for (name,) in server.execute(names).fetchall():
        [(is_left,)] = server.execute(LOCK, [name]).fetchall()
        if is_left:
            log.warning("A drill was killed before its end: its %s %s is dropped", what, name)
            drop(server, name)
            server.execute(UNLOCK, [name])


def _drop_database(server: Connection, name: str) -> None:
    server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _create(server: Connection, name: str) -> None:
    database = sql.Identifier(name)
    server.execute(
        sql.SQL("create database {} template template0 encoding 'UTF8'").format(database)
    )
    comment = sql.Literal("Made by a drill of Supakeep, which drops it at its end")
    server.execute(sql.SQL("comment on database {} is {}").format(database, comment))


def _in_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
