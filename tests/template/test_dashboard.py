"""CloudWatch's dashboard shows what the code and AWS write, and nothing else."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

from supakeep.domain.run import RunKind
from tests.template.conftest import MakeStack
from tests.template.stack import Stack

OBSERVABILITY = Path(__file__).parents[2] / "layers/shared/src/supakeep/api/observability.py"
# those of no run: the ages that the prune function measures
MEASUREMENT = "measurement"
# only the command line deletes and erases, and it writes no metrics
KINDS = [str(kind) for kind in RunKind if kind not in (RunKind.DELETE, RunKind.ERASE)]
MOST_FREE_METRICS = 50


def written_by_the_code() -> set[str]:
    source = OBSERVABILITY.read_text()
    suffixes = re.findall(r'add_metric\(\s*f"\{(?:run\.)?kind\.capitalize\(\)\}(\w+)"', source)
    assert sorted(suffixes) == ["Duration", "Failures"]
    of_kinds = {f"{kind.capitalize()}{suffix}" for kind in KINDS for suffix in suffixes}
    named = set(re.findall(r'add_metric\(\s*"(\w+)"', source))
    return named | of_kinds | {f"{MEASUREMENT.capitalize()}Failures"}


def widgets(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stack.properties("Dashboard")["DashboardBody"])[
        "widgets"
    ]
    return found


def metrics(stack: Stack) -> list[tuple[str, ...]]:
    """Namespace, name, and the names and values of the dimensions; expressions are left out."""
    lines = [line for w in widgets(stack) for line in w["properties"].get("metrics", [])]
    stated = [tuple(part for part in line if isinstance(part, str)) for line in lines]
    return [line for line in stated if line]


def test_every_metric_of_ours_is_one_that_the_code_writes_with_this_dimension(
    stack: Stack,
) -> None:
    variables = stack.properties("BackupFunction")["Environment"]["Variables"]
    namespace = variables["POWERTOOLS_METRICS_NAMESPACE"]
    ours = [line for line in metrics(stack) if line[0] == namespace]

    assert {line[1] for line in ours} == written_by_the_code()
    assert {line[2:] for line in ours} == {("service", variables["POWERTOOLS_SERVICE_NAME"])}


def test_every_other_metric_is_aws_s_own_of_a_function_or_the_queue(stack: Stack) -> None:
    theirs = {line for line in metrics(stack) if line[0] != "Supakeep"}

    functions = stack.of_type("AWS::Lambda::Function")
    assert theirs == {
        *(
            ("AWS/Lambda", name, "FunctionName", function)
            for name in ("Errors", "Throttles", "Duration")
            for function in functions
        ),
        (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName",
            "DeadLetterQueue.QueueName",
        ),
    }


def test_it_shows_the_state_of_every_alarm_that_the_stack_has(make_stack: MakeStack) -> None:
    for schedule in ("rate(1 day)", "never"):
        stack = make_stack(DrillSchedule=schedule)
        shown = [arn for w in widgets(stack) for arn in w["properties"].get("alarms", [])]

        assert sorted(shown) == sorted(f"{a}.Arn" for a in stack.of_type("AWS::CloudWatch::Alarm"))


def test_the_limits_that_it_draws_are_those_of_the_alarms(make_stack: MakeStack) -> None:
    stack = make_stack(MaxBackupAgeHours="8", MaxDrillAgeDays="3")
    drawn = {
        w["properties"]["title"]: line["value"]
        for w in widgets(stack)
        for line in w["properties"].get("annotations", {}).get("horizontal", [])
    }

    assert drawn["Age of the newest good backup"] == 8
    assert drawn["Age of the newest proven backup"] == 3
    assert drawn["Functions: duration"] == 900 * 1000


def test_its_widgets_fit_the_grid_side_by_side(stack: Stack) -> None:
    boxes = [(w["x"], w["y"], w["width"], w["height"]) for w in widgets(stack)]

    assert all(x >= 0 and x + width <= 24 for x, _, width, _ in boxes)
    for (x, y, width, height), (x2, y2, width2, height2) in itertools.combinations(boxes, 2):
        assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


def test_it_has_no_more_metrics_than_are_free(stack: Stack) -> None:
    assert len(set(metrics(stack))) <= MOST_FREE_METRICS
