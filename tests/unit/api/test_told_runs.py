"""The functions tell how runs start and end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event

import pytest

from supakeep.domain.notice import Audience, Notice
from supakeep.domain.run import Run
from supakeep.errors import StorageUnavailableError
from supakeep.settings.notices import notices_problems
from supakeep.wiring.notices import notifier_of
from tests.builders.lambda_events import Project
from tests.fakes.faulty_object_store import FailingObjectStore, HangingObjectStore
from tests.unit.api.conftest import LocalFunction
from tests.unit.api.emitted import event

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@dataclass
class Hearing:
    """Keeps what it hears."""

    heard: list[str] = field(default_factory=list)
    audience: Audience = field(default_factory=lambda: Audience(listeners=("a test: every run",)))

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


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """What hangs ends with the test, and is not waited for as long as elsewhere."""
    monkeypatch.setattr("supakeep.usecases.audit_log._PATIENCE_SECONDS", 0.1)
    released = Event()
    yield released
    released.set()


def test_a_store_that_hangs_silences_no_alarm_and_costs_the_other_store_no_entry(
    project: Project, backup: LocalFunction, released: Event, caplog: pytest.LogCaptureFixture
) -> None:
    hanging = HangingObjectStore(project.primary, "audit/", released)
    backup.project.primary = FailingObjectStore(hanging, "put", key_part="daily/")

    with pytest.raises(StorageUnavailableError):
        backup.invoke(event("backup/schedule"))

    assert heard(backup) == ["backup started", "backup.failed"]
    assert "primary did not answer within 0.1 seconds" in caplog.text
    assert [key for key in project.primary.objects if key.startswith("audit/")] == []
    assert len([key for key in project.mirror.objects if key.startswith("audit/")]) == 1


def test_whoever_is_told_hears_of_a_run_before_the_audit_log_is_written(
    project: Project, backup: LocalFunction
) -> None:
    entries: list[int] = []

    class Looking(Hearing):
        def ended(self, notice: Notice) -> None:
            super().ended(notice)
            entries.append(sum(key.startswith("audit/") for key in project.primary.objects))

    backup.project.notifier = Looking()
    backup.invoke(event("backup/schedule"))

    assert entries == [0]
    assert any(key.startswith("audit/") for key in project.primary.objects)


@pytest.mark.parametrize(
    "url",
    [
        "https://", "https:///path", "ftp://127.0.0.1/x", "watchdog.example.com/x", "https://[::1",
        "https://watchdog.example.com:https/x", "https://watchdog.example.com/a b",
        "http://watchdog.example.com/x", "https://watchdog.example.com/x\x00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["WEBHOOK_URL", "PING_URL"])
def test_what_is_no_url_of_the_web_is_refused_with_a_sentence(name: str, url: str) -> None:
    [problem] = notices_problems({name: url})

    assert problem.message == f"{name} is not a URL that begins with https:// and a host"
    assert problem.hint is not None


def test_urls_of_the_web_and_of_this_machine_are_taken() -> None:
    for url in ("https://watchdog.example.com:8443/x?rid=1", "http://127.0.0.1:8000/ping"):
        assert list(notices_problems({"PING_URL": url})) == []


def test_settings_that_are_wrong_tell_nobody_and_stop_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = {"WEBHOOK_URL": "http://chat.example.com/the-secret-path", "WEBHOOK_FORMAT": "teams"}

    # no socket is opened, which this test could not do
    notifier = notifier_of({**wrong, "PING_URL": "https://watchdog.example.com/x"})

    assert type(notifier).__name__ == "Silence"
    messages = [problem.message for problem in notices_problems(wrong)]
    assert messages == [
        "WEBHOOK_URL is not a URL that begins with https:// and a host",
        "WEBHOOK_FORMAT is none of: slack, discord, json",
    ]
    assert [problem.message for problem in notifier.audience.problems] == messages
    assert messages[0] in caplog.text
    assert "the-secret-path" not in caplog.text


def test_the_settings_say_who_is_told_and_when_a_backup_is_not_believed(
    project: Project, backup: LocalFunction
) -> None:
    def told(function: LocalFunction) -> tuple[object, object]:
        answer = function.request("GET", "/api/admin/settings").body
        return answer["notices"], answer["alarms"]

    heard_by = told(LocalFunction("restore", backup.project))
    heard_by_none = told(LocalFunction("restore", project.served()))

    alarms = {"shrink": 0.5, "may_shrink": []}
    assert heard_by == ({"listeners": ["a test: every run"], "problems": []}, alarms)
    assert heard_by_none == ({"listeners": [], "problems": []}, alarms)


def test_who_is_told_is_named_without_a_url() -> None:
    urls = {
        "WEBHOOK_URL": "https://hooks.slack.com/services/the-secret-path",
        "PING_URL": "https://watchdog.example.com/the-secret-path",
    }

    some, every = notifier_of(urls), notifier_of({**urls, "WEBHOOK_ON": "all"})

    assert some.audience.listeners == (
        "a webhook (slack): runs that failed or are partial",
        "a ping URL: when a backup starts, and how it ends",
    )
    assert every.audience.listeners[0] == "a webhook (slack): every run"
    assert some.audience.problems == ()
