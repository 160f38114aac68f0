from __future__ import annotations

import pytest

from tests.template.conftest import MakeStack
from tests.template.stack import Stack

ALARM = "AWS::CloudWatch::Alarm"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"


@pytest.mark.parametrize(
    ("alarm_name", "function", "metric", "statistic"),
    [
        ("PartialBackupAlarm", "BackupFunction", "PartialBackups", "Sum"),
        ("DifferingCopiesAlarm", "PruneFunction", "DifferingBackups", "Maximum"),
        ("FailedDrillAlarm", "RestoreFunction", "FailedDrills", "Sum"),
    ],
)
def test_a_partial_backup_differing_copies_and_a_failed_drill_raise_an_alarm(
    stack: Stack, alarm_name: str, function: str, metric: str, statistic: str
) -> None:
    variables = stack.properties(function)["Environment"]["Variables"]
    alarm = stack.properties(alarm_name)
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Supakeep", metric)
    assert alarm["Dimensions"] == [
        {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
    ]
    assert (alarm["Statistic"], alarm["Threshold"]) == (statistic, 1)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


@pytest.mark.parametrize("function", ["Backup", "Restore", "Prune"])
def test_one_failed_invocation_raises_an_alarm(stack: Stack, function: str) -> None:
    alarm = stack.properties(f"{function}ErrorsAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": f"{function}Function"}]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Sum", 1, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"


def test_one_message_in_the_dead_letter_queue_raises_an_alarm(stack: Stack) -> None:
    alarm = stack.properties("DeadLetterAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "DeadLetterQueue.QueueName"}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


@pytest.mark.parametrize(
    ("parameters", "actions", "topic_created"),
    [
        ({}, [], False),
        ({"AlarmEmail": "me@example.com"}, ["AlarmTopic"], True),
        ({"AlarmTopicArn": TOPIC}, [TOPIC], False),
        ({"AlarmTopicArn": TOPIC, "AlarmEmail": "me@example.com"}, [TOPIC], False),
    ],
)
def test_every_alarm_goes_to_the_topic_or_the_address_that_was_given(
    make_stack: MakeStack, parameters: dict[str, str], actions: list[str], topic_created: bool
) -> None:
    stack = make_stack(**parameters)
    alarms = stack.of_type(ALARM)
    assert len(alarms) == 9
    assert all(alarm["AlarmActions"] == actions for alarm in alarms.values())
    assert ("AlarmTopic" in stack.resources) is topic_created


def test_the_backup_alarm_also_tells_when_backups_are_good_again(make_stack: MakeStack) -> None:
    alarm = make_stack(AlarmTopicArn=TOPIC).properties("NoGoodBackupAlarm")
    assert alarm["OKActions"] == [TOPIC]
