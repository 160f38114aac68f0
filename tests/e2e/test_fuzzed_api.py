"""Requests that the served OpenAPI document allows, and many that it does not, against the running stack."""

from __future__ import annotations

from collections import Counter
from typing import Any

import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import (
    CheckFunction,
    not_a_server_error,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.builders.examples import examples
from tests.e2e.deployment import Deployment

CHECKS: list[CheckFunction] = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# API Gateway's own limit: a request that takes longer has hung
MOST_SECONDS = 30
# a project does not make thousands of backups an hour, and with them its lists take too long to answer
BEGIN_AGAIN_EVERY = 250


def test_no_request_breaks_the_api_or_gets_an_answer_that_the_document_does_not_know(
    supakeep: Deployment,
) -> None:
    document = supakeep.call("GET", "/api/openapi.json", key=None).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [
        schema[path][method] for path, methods in document["paths"].items() for method in methods
    ]
    answers: Counter[int] = Counter()

    @settings(max_examples=examples(80), phases=[Phase.generate, Phase.shrink])
    @given(st.one_of([operation.as_strategy() for operation in operations]))
    def ask(case: Any) -> None:
        if answers.total() % BEGIN_AGAIN_EVERY == 0:
            begin_again(supakeep)
        cron = case.path.startswith("/api/cron/")
        key = supakeep.stack.cron_secret if cron else supakeep.stack.admin_key
        answer = case.call(
            base_url=supakeep.stack.api_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=MOST_SECONDS,
        )
        answers[answer.status_code] += 1
        # 503 is how the health of a project without a drill is told
        may_fail = case.path == "/api/admin/health" and answer.status_code == 503
        case.validate_response(
            answer, checks=[*CHECKS, *([] if may_fail else [not_a_server_error])]
        )

    ask()

    print(f"fuzzed requests: {answers.total():,}, answers: {dict(sorted(answers.items()))}")  # noqa: T201
    assert answers.total() >= examples(80)
    assert answers[200]


def begin_again(supakeep: Deployment) -> None:
    """One backup, and nothing of what was asked before."""
    supakeep.stack.wait_idle()
    supakeep.forget_everything()
    supakeep.back_up()
