"""What can go wrong with one HTTP request and its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

# what these answer, no proxy and no disk has kept before it came
_WITHOUT_OBJECTS = frozenset({"dynamodb", "secretsmanager", "lambda"})
HTML = b"<html><head><title>Error</title></head><body>An error page of a proxy</body></html>"
RETRY_AFTER_SECONDS = 1


class Asked(NamedTuple):
    """A request as it arrived."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer. `sent_bytes` of the body are sent before the connection breaks, all if None; `reset`
    breaks it before the first byte; `late` sends it after the caller's patience.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    sent_bytes: int | None = None
    reset: bool = False
    late: bool = False


Server = Callable[[Asked], Reply]


@dataclass(frozen=True)
class HttpFault:
    """`carried_out`: the server does what it was asked, and only the answer suffers. `alters` says what
    is not as it was sent: the `answer`, the `request`, or None. `lasts`: it may go on like this for ever.
    """

    name: str
    spoil: Callable[[Asked, Reply], Reply]
    carried_out: bool = False
    alters: str | None = None
    lasts: bool = True
    # what happens first (happenings.py)
    first: Callable[[], object] = lambda: None
    may_go: frozenset[str] = frozenset()

    @property
    def is_late(self) -> bool:
        return self.spoil is _late

    def within(self, _: object) -> HttpFault:
        """The fault itself: it is the same in every world."""
        return self

    def answer(self, asked: Asked, server: Server) -> Reply:
        self.first()
        if self.alters == "request":
            if not _is_upload(asked):
                # TLS ends a connection on which a request is not what was sent, before anybody acts on it
                return _reset(asked, Reply(200))
            asked = asked._replace(body=flipped(asked.body))
        reply = server(asked) if self.carried_out else Reply(200)
        return self.spoil(asked, reply)


def flipped(content: bytes) -> bytes:
    """With one bit in the middle the other way round."""
    if not content:
        return content
    altered = bytearray(content)
    altered[len(altered) // 2] ^= 1
    return bytes(altered)


def _is_upload(asked: Asked) -> bool:
    """Whether an object is to be stored, which a server may damage behind TLS."""
    to_storage = asked.headers.get("content-type", "").startswith("multipart/")
    return to_storage or (asked.service == "s3" and asked.method == "PUT")


def _is_of_an_application(asked: Asked) -> bool:
    """Whether it is about a bucket that is not the one of the backups: what that holds, nobody can check."""
    return asked.service == "storage" and "/backups" not in asked.path


def _reset(_: Asked, reply: Reply) -> Reply:
    return replace(reply, reset=True)


def _late(_: Asked, reply: Reply) -> Reply:
    return replace(reply, late=True)


def _cut(_: Asked, reply: Reply) -> Reply:
    return replace(reply, sent_bytes=len(reply.body) // 2) if reply.body else _reset(_, reply)


def _flip(asked: Asked, reply: Reply) -> Reply:
    if asked.service in _WITHOUT_OBJECTS or _is_of_an_application(asked):
        return _reset(asked, reply)  # by TLS, as above
    return replace(reply, body=flipped(reply.body))


def _as_it_is(_: Asked, reply: Reply) -> Reply:
    return reply


def _page(status: int) -> Callable[[Asked, Reply], Reply]:
    return lambda _asked, _reply: Reply(status, HTML, {"Content-Type": "text/html"})


def _refusal(status: int, code: str, **headers: str) -> Callable[[Asked, Reply], Reply]:
    """The service's own way of saying so."""

    def spoil(asked: Asked, _: Reply) -> Reply:
        body, content_type = _BODIES[asked.service](status, code)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status, body, {"Content-Type": content_type, **named})

    return spoil


def _storage_body(status: int, code: str) -> tuple[bytes, str]:
    said = {"statusCode": str(status), "error": code, "message": code}
    return json.dumps(said).encode(), "application/json"


def _s3_body(_: int, code: str) -> tuple[bytes, str]:
    said = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return said.encode(), "application/xml"


def _aws_json_body(_: int, code: str) -> tuple[bytes, str]:
    return json.dumps({"__type": code, "message": code}).encode(), "application/x-amz-json-1.1"


# what PostgREST says with these statuses; with others, the gateway answers, whose errors have no code
_POSTGREST_CODES = {
    400: "22023",
    401: "PGRST303",
    403: "42501",
    404: "PGRST202",
    409: "23505",
    500: "XX000",
    503: "PGRST002",
}


def _postgrest_body(status: int, code: str) -> tuple[bytes, str]:
    said = {"message": code}
    if status in _POSTGREST_CODES:
        said["code"] = _POSTGREST_CODES[status]
    return json.dumps(said).encode(), "application/json"


_BODIES = {
    "storage": _storage_body,
    "data api": _postgrest_body,
    "s3": _s3_body,
    "dynamodb": _aws_json_body,
    "secretsmanager": _aws_json_body,
    "lambda": _aws_json_body,
}

FAULTS = [
    HttpFault("reset before", _reset),
    HttpFault("reset after", _reset, carried_out=True),
    HttpFault("late and not done", _late),
    HttpFault("late and done", _late, carried_out=True, lasts=False),
    HttpFault("answer cut short", _cut, carried_out=True),
    HttpFault("answer bit-flipped", _flip, carried_out=True, alters="answer"),
    HttpFault("request bit-flipped", _as_it_is, carried_out=True, alters="request"),
    HttpFault("200 with HTML", _page(200)),
    HttpFault("400, expired token", _refusal(400, "ExpiredToken")),
    HttpFault("401", _refusal(401, "InvalidAccessKeyId")),
    HttpFault("403", _refusal(403, "AccessDenied")),
    HttpFault("403 with HTML", _page(403), lasts=False),
    HttpFault("404", _refusal(404, "NoSuchKey"), lasts=False),
    HttpFault("404, no bucket", _refusal(404, "NoSuchBucket")),
    HttpFault("409", _refusal(409, "ConditionalRequestConflict"), lasts=False),
    HttpFault("412", _refusal(412, "PreconditionFailed"), lasts=False),
    HttpFault("413", _refusal(413, "EntityTooLarge")),
    HttpFault("429", _refusal(429, "SlowDown", Retry_After=str(RETRY_AFTER_SECONDS))),
    HttpFault("500", _refusal(500, "InternalError"), lasts=False),
    HttpFault("500, but done", _refusal(500, "InternalError"), carried_out=True, lasts=False),
    HttpFault("502 with HTML", _page(502), lasts=False),
    HttpFault("503", _refusal(503, "ServiceUnavailable")),
]
