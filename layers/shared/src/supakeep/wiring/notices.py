"""Builds what tells of runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from supakeep.domain.manifest_parts import Problem
from supakeep.domain.notice import Audience
from supakeep.ports import Notifier, Silence
from supakeep.settings.notices import notices_problems

log = logging.getLogger(__name__)


def notifier_of(environment: Mapping[str, str]) -> Notifier:
    """What the variables say. Where they are wrong nobody is told, and the log says so: a backup must not
    fail because of a URL that was mistyped.
    """
    values = {name: text.strip() for name, text in environment.items() if text.strip()}
    if "WEBHOOK_URL" not in values and "PING_URL" not in values:
        return Silence()
    problems = list(notices_problems(values))
    for problem in problems:
        log.error("Nobody is told of runs: %s. %s", problem.message, problem.hint)
    if problems:
        found = tuple(Problem.from_error(problem) for problem in problems)
        return Silence(Audience(problems=found))
    # only here: without these variables nothing waits for its import
    from supakeep.notices.http_notifier import notifier_over_http

    return notifier_over_http(values)
