"""Tells of runs over HTTP: a webhook in Slack's or Discord's format or as JSON, and a ping URL."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import httpx

from supakeep.domain.notice import Audience, Notice
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.no_answer import no_answer_of
from supakeep.patience import within
from supakeep.tls import tls_context

log = logging.getLogger(__name__)

Format = Literal["slack", "discord", "json"]

# for the whole of one try: a server may give its answer byte by byte
_SECONDS = 5.0
_TRIES = 2
# Discord refuses longer ones, and healthchecks.io cuts them
_MOST_CHARACTERS = 1900


@dataclass(frozen=True)
class Webhook:
    """Posts notices. `secret` signs those in JSON."""

    client: httpx.Client
    url: str
    format: Format
    secret: str | None = None
    every_end: bool = False

    @property
    def listener(self) -> str:
        ends = "every run" if self.every_end else "runs that failed or are partial"
        return f"a webhook ({self.format}): {ends}"

    def started(self, run: Run) -> None:  # noqa: ARG002
        return None

    def ended(self, notice: Notice) -> None:
        if notice.is_trouble or self.every_end:
            body = json.dumps(_message(notice, self.format)).encode()
            headers = {"Content-Type": "application/json", **self._signature(notice, body)}
            _post(self.client, "webhook", self.url, body, headers)

    def _signature(self, notice: Notice, body: bytes) -> dict[str, str]:
        """Of the time and the body, so that a notice that is sent again later is known."""
        if self.secret is None or self.format != "json":
            return {}
        at = str(int(notice.at.timestamp()))
        signed = hmac.new(self.secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
        return {
            "X-Supakeep-Timestamp": at,
            "X-Supakeep-Signature": f"sha256={signed.hexdigest()}",
        }


@dataclass(frozen=True)
class Ping:
    """Pings a URL as healthchecks.io has it: when a backup starts, is complete, or is not."""

    client: httpx.Client
    url: str

    @property
    def listener(self) -> str:
        return "a ping URL: when a backup starts, and how it ends"

    def started(self, run: Run) -> None:
        if run.kind is RunKind.BACKUP:
            self._ping("/start", f"The backup {run.id} has started")

    def ended(self, notice: Notice) -> None:
        if notice.kind is RunKind.BACKUP:
            suffix = "" if notice.status is RunStatus.COMPLETE else "/fail"
            self._ping(suffix, notice.text)

    def _ping(self, suffix: str, text: str) -> None:
        body = text[:_MOST_CHARACTERS].encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        _post(self.client, "ping URL", _below(self.url, suffix), body, headers)


def _below(url: str, suffix: str) -> str:
    """The URL with its path made longer; its query stays what it is."""
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}{suffix}").geturl()


@dataclass(frozen=True)
class Several:
    """Each of these hears of everything."""

    notifiers: Sequence[Webhook | Ping]

    @property
    def audience(self) -> Audience:
        return Audience(listeners=tuple(notifier.listener for notifier in self.notifiers))

    def started(self, run: Run) -> None:
        for notifier in self.notifiers:
            notifier.started(run)

    def ended(self, notice: Notice) -> None:
        for notifier in self.notifiers:
            notifier.ended(notice)


def notifier_over_http(values: Mapping[str, str]) -> Several:
    """What the variables of settings/notices.py ask for."""
    # a redirect could lead a notice to whoever is not meant to have it
    client = httpx.Client(verify=tls_context(), timeout=_SECONDS, follow_redirects=False)
    notifiers: list[Webhook | Ping] = []
    if url := values.get("WEBHOOK_URL"):
        format_ = cast("Format", values.get("WEBHOOK_FORMAT", format_of(url)))
        every_end = values.get("WEBHOOK_ON") == "all"
        notifiers.append(Webhook(client, url, format_, values.get("WEBHOOK_SECRET"), every_end))
    if url := values.get("PING_URL"):
        notifiers.append(Ping(client, url))
    return Several(notifiers)


def format_of(url: str) -> Format:
    """The format that the host of a webhook takes."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "hooks.slack.com":
        return "slack"
    is_discord = host in ("discord.com", "discordapp.com") and "/webhooks/" in parts.path
    return "discord" if is_discord else "json"


def _message(notice: Notice, format_: Format) -> dict[str, Any]:
    if format_ == "slack":
        return {"text": _escaped(notice.text)[:_MOST_CHARACTERS]}
    if format_ == "discord":
        # a name must not call anybody
        return {
            "content": notice.text[:_MOST_CHARACTERS],
            "allowed_mentions": {"parse": []},
        }
    return notice.model_dump(mode="json")


def _escaped(text: str) -> str:
    """As Slack wants it, which reads <!channel> as a call."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(
    client: httpx.Client, what: str, url: str, body: bytes, headers: Mapping[str, str]
) -> None:
    """Tries twice. The URL is a secret, and so no log line has it."""
    problem = ""
    for _ in range(_TRIES):
        try:
            answer = within(_SECONDS, lambda: _answer(client, url, body, headers))
        except TimeoutError:
            problem = f"no answer within {_SECONDS:g} seconds"
            continue
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
            problem = no_answer_of(exc).reason
            continue
        if answer.is_success:
            return
        problem = f"it answered {answer.status_code}"
        if answer.is_client_error or answer.is_redirect:
            break
    log.error("The %s could not be told of a run: %s", what, problem)


def _answer(
    client: httpx.Client, url: str, body: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    """The answer's status and headers: what stands in it says nothing, and may have no end."""
    with client.stream("POST", url, content=body, headers=dict(headers)) as answer:
        return answer
