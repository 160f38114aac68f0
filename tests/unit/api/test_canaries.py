"""Canary secrets and canary rows go through everything, and what comes out is searched for them.

The documents of backups hold rows, and so do answers and records of runs that a key with the scope
`restore` asked for. Nothing else may, and a secret may stand nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from supakeep.archive.signature import Keyring
from supakeep.domain.api_key import Scope
from supakeep.domain.notice import Audience, Notice
from supakeep.domain.run import Run
from tests.builders.api_keys import an_api_key
from tests.builders.backups import CUSTOMERS
from tests.builders.lambda_events import Project, ServedProject
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.unit.api.conftest import Answer, LocalFunction
from tests.unit.api.emitted import Logs, event

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

SECRETS = {
    name: f"canary-secret-{name}-0123456789abcdefghijklmnop"
    for name in ("admin", "cron", "service", "signing", "viewer", "restorer", "wrong")
}
ROW = "canary-of-a-row"
NEW_ROW = "canary-of-a-row-that-came-later"


@dataclass
class Heard:
    """What a webhook would be told."""

    texts: list[str] = field(default_factory=list)
    audience: Audience = field(default_factory=Audience)

    def started(self, run: Run) -> None:
        self.texts.append(run.id)

    def ended(self, notice: Notice) -> None:
        self.texts.append(notice.model_dump_json())


@pytest.fixture
def served(project: Project) -> ServedProject:
    served = project.served(
        admin_key=SecretStr(SECRETS["admin"]),
        cron_secret=SecretStr(SECRETS["cron"]),
        service_role_key=SecretStr(SECRETS["service"]),
        backup_schedule="cron(0 3 * * ? *)",
    )
    served.keyring, served.notifier = Keyring(SECRETS["signing"]), Heard()
    for name, scopes in {
        "viewer": (Scope.VIEW, Scope.HEALTH),
        "restorer": (Scope.RESTORE, Scope.DOWNLOAD, Scope.VIEW),
    }.items():
        served.api_keys.add(an_api_key(name, SECRETS[name], scopes=scopes))
    project.database.insert(CUSTOMERS, *({"id": n, "name": ROW, "balance": n} for n in range(1, 6)))
    return served


@dataclass
class Story:
    """Everything that is done, and the answers: those that may hold rows, and all others."""

    project: Project
    served: ServedProject
    answers: list[Answer] = field(default_factory=list)
    with_rows: list[Answer] = field(default_factory=list)

    def function(self, name: Any) -> LocalFunction:
        return LocalFunction(name, self.served)

    def tell(self) -> None:
        self.function("backup").invoke(event("backup/schedule"))
        self.project.database.insert(CUSTOMERS, {"id": 1, "name": NEW_ROW, "balance": 1})
        for dry_run in (True, False):
            self._restore(dry_run=dry_run)
        self._ask()
        self._fail()

    def _restore(self, *, dry_run: bool) -> None:
        body = {"name": "latest", "dry_run": dry_run, "confirm": PROJECT}
        restore, key = self.function("restore"), SECRETS["restorer"]
        accepted = restore.request("POST", "/api/admin/restore", key=key, body=body)
        action, payload = self.project.dispatcher.handed_over[-1]
        restore.invoke({**payload, "action": action})
        url = accepted.body["status_url"]
        self.answers += [accepted, restore.request("GET", url, key=SECRETS["viewer"])]
        self.with_rows.append(restore.request("GET", url, key=key))

    def _ask(self) -> None:
        restore = self.function("restore")
        for path in (
            "overview",
            "settings",
            "runs",
            "backups",
            "backups/latest",
            "ledger",
            "health",
        ):
            asked = restore.request("GET", f"/api/admin/{path}", key=SECRETS["viewer"])
            assert asked.status in (200, 503), (path, asked)
            self.answers.append(asked)
        self.answers += [
            restore.request("GET", "/api/admin/audit", key=SECRETS["admin"]),
            restore.request("GET", "/api/admin/backups/latest/download", key=SECRETS["restorer"]),
            restore.request("POST", "/api/admin/restore", key=SECRETS["viewer"], body={}),
            restore.request("GET", "/api/admin/runs", key=SECRETS["wrong"]),
            self.function("prune").request(
                "PUT", "/api/admin/backups/latest/pin", key=SECRETS["admin"]
            ),
            self.function("backup").request("POST", "/api/cron/backup", key=SECRETS["cron"]),
        ]

    def _fail(self) -> None:
        self.served.primary = FailingObjectStore(self.project.primary, "put")
        self.project.clock.advance(days=1)
        with pytest.raises(Exception, match="did not answer"):
            self.function("backup").invoke({"action": "backup"})


def outputs(story: Story, logged: Logs, printed: str) -> Iterator[tuple[str, str]]:
    """Everything that comes out and may hold no row, each by what it is."""
    yield "log", logged.getvalue()
    yield "metrics", printed
    for answer in story.answers:
        yield "answer", json.dumps([answer.body, answer.headers])
    for action, payload in story.project.dispatcher.handed_over:
        yield f"invocation of {action}", json.dumps(payload, default=str)
    assert isinstance(story.served.notifier, Heard)
    for text in story.served.notifier.texts:
        yield "notice", text
    for store in (story.project.primary, story.project.mirror):
        for key, content in store.objects.items():
            if ".sql.json" not in key:
                yield key, content.decode()


def test_no_row_leaves_but_for_those_who_asked_and_no_secret_ever(
    project: Project, served: ServedProject, logged: Logs, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(project, served)

    story.tell()

    found = list(outputs(story, logged, capsys.readouterr().out))
    # the canaries do go through: into documents, and to the key that asked for a dry run
    documents = [text for key, text in project.primary.objects.items() if ".sql.json" in key]
    assert any(ROW.encode() in document for document in documents)
    assert ROW in str(story.with_rows[0].body)
    assert {kind.partition("/")[0] for kind, _ in found} >= {
        *("log", "metrics", "answer", "notice", "audit", "daily"),
        *("invocation of restore", "invocation of backup"),
    }
    assert [kind for kind, text in found if ROW in text] == []

    records = [run.model_dump_json() for run in served.run_store.list(100)]
    answers = [json.dumps(answer.body) for answer in story.with_rows]
    everywhere = [*(text for _, text in found), *records, *answers, *map(bytes.decode, documents)]
    for name, secret in SECRETS.items():
        assert [text[:200] for text in everywhere if secret in text] == [], name
