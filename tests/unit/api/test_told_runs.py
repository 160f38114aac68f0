"""The functions tell how runs start and end."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from supakeep.domain.notice import Notice
from supakeep.domain.run import Run
from supakeep.errors import StorageUnavailableError
from supakeep.settings.notices import notices_problems
from supakeep.wiring.notices import notifier_of
from tests.builders.lambda_events import Project
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.unit.api.conftest import LocalFunction
from tests.unit.api.emitted import event

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@dataclass
class Hearing:
    """Keeps what it hears."""

    heard: list[str] = field(default_factory=list)

    def started(self, run: Run) -> None:
        self.heard.append(f"{run.kind} started")

    def ended(self, notice: Notice) -> None:
        self.heard.append(notice.event)


@pytest.fixture
def backup(project: Project) -> LocalFunction:
    served = project.served()
    served.notifier = Hearing()
    return LocalFunction("backup", served)


def heard(function: LocalFunction) -> list[str]:
    assert isinstance(function.project.notifier, Hearing)
    return function.project.notifier.heard


def test_a_backup_is_told_once_however_often_its_event_is_delivered(backup: LocalFunction) -> None:
    for _ in range(2):
        backup.invoke(event("backup/schedule"))

    assert heard(backup) == ["backup started", "backup.complete"]


def test_a_backup_that_fails_is_told_and_so_is_its_next_try(
    project: Project, backup: LocalFunction
) -> None:
    backup.project.primary = FailingObjectStore(project.primary, "put")
    with pytest.raises(StorageUnavailableError):
        backup.invoke(event("backup/schedule"))
    backup.project.primary = project.primary
    backup.invoke(event("backup/schedule"))

    assert heard(backup) == ["backup started", "backup.failed", "backup started", "backup.complete"]


def test_settings_that_are_wrong_tell_nobody_and_stop_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = {"WEBHOOK_URL": "http://chat.example.com/the-secret-path", "WEBHOOK_FORMAT": "teams"}

    # no socket is opened, which this test could not do
    notifier = notifier_of({**wrong, "PING_URL": "https://watchdog.example.com/x"})

    assert type(notifier).__name__ == "Silence"
    messages = [problem.message for problem in notices_problems(wrong)]
    assert messages == [
        "WEBHOOK_URL is not a URL that begins with https://",
        "WEBHOOK_FORMAT is none of: slack, discord, json",
    ]
    assert messages[0] in caplog.text
    assert "the-secret-path" not in caplog.text
