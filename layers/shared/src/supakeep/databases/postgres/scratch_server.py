"""A database of one drill on a server that is there already, such as a spare project's."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from supakeep.databases.postgres.assertions import READER
from supakeep.databases.postgres.connection import Connection, connect
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.scratch import PostgresScratch, open_scratch

log = logging.getLogger(__name__)

_PREFIX = "supakeep_drill_"
# only what a drill has named, and what this very role has made
_OF_DRILLS = """
select datname from pg_database
 where datname ~ '^supakeep_drill_[0-9a-f]{16}$' and datdba = (select oid from pg_roles where rolname = current_user)
"""
# a session holds it as long as it lives, whatever ends it
_LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "select pg_advisory_unlock(hashtextextended($1, 0))"


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
                _drop_leftovers(server)
                name = _PREFIX + secrets.token_hex(8)
                # before it is there, so that nobody takes it for one that was left
                server.execute(_LOCK, [name])
                at_the_end.callback(self._drop, name)
                _create(server, name)
                _create_reader(server)
            url = _in_database(self._url, name)
            with open_scratch(url, url) as scratch:
                yield scratch

    def _drop(self, name: str) -> None:
        """On a connection of its own: the other one may be lost."""
        with closing(connect(self._url)) as server, mapped_errors("drill"):
            _drop_database(server, name)
            # another drill may need it, and drops it then
            with suppress(psycopg.Error):
                server.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(READER)))


def _drop_leftovers(server: Connection) -> None:
    """What killed drills left: a database whose lock nobody holds."""
    for (name,) in server.execute(_OF_DRILLS).fetchall():
        [(is_left,)] = server.execute(_LOCK, [name]).fetchall()
        if is_left:
            log.warning("A drill was killed before its end: its database %s is dropped", name)
            _drop_database(server, name)
            server.execute(_UNLOCK, [name])


def _drop_database(server: Connection, name: str) -> None:
    server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _create(server: Connection, name: str) -> None:
    database = sql.Identifier(name)
    server.execute(
        sql.SQL("create database {} template template0 encoding 'UTF8'").format(database)
    )
    comment = sql.Literal("Made by a drill of Supakeep, which drops it at its end")
    server.execute(sql.SQL("comment on database {} is {}").format(database, comment))


def _create_reader(server: Connection) -> None:
    """The role that assertions are asked as: nobody logs in as it, and this role becomes it."""
    reader = sql.Identifier(READER)
    # another drill may have made it
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        server.execute(sql.SQL("create role {} nologin noinherit").format(reader))
    server.execute(sql.SQL("grant {} to current_user").format(reader))


def _in_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
