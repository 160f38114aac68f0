from __future__ import annotations

import pytest

from supakeep.api.log_links import log_url
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from supakeep.settings import Settings
from tests.fakes.time import NOON

INVOCATION = "b1b7a7c2-3b2a-4b1e-9f5d-0c8a3e2f1d00"
GROUP = "/aws/lambda/shop-backup"
QUEUED = Run(id="x", kind=RunKind.BACKUP, trigger=Trigger.API, requested_at=NOON)
STARTED = QUEUED.started(NOON, INVOCATION, GROUP)


def test_the_link_opens_what_the_invocation_logged() -> None:
    assert log_url(STARTED, "eu-central-1") == (
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fshop-backup"
        f"/log-events$3FfilterPattern$3D$2522{INVOCATION}$2522$26start$3D1795348800000"
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_other_partitions_have_consoles_of_their_own(region: str, host: str) -> None:
    assert str(log_url(STARTED, region)).startswith(f"https://{host}/cloudwatch/home?")


def test_without_a_log_in_aws_there_is_no_link() -> None:
    assert log_url(STARTED, None) is None
    assert log_url(QUEUED, "eu-central-1") is None


@pytest.mark.parametrize(
    ("more", "region"),
    [
        ({}, "eu-central-1"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}, None),
        ({"AWS_SAM_LOCAL": "true"}, None),
    ],
)
def test_the_console_has_no_logs_of_a_stand_in_for_aws(
    more: dict[str, str], region: str | None
) -> None:
    environment = {
        "SUPABASE_URL": "https://abc.supabase.co",
        "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
        "AWS_REGION": "eu-central-1",
        **more,
    }
    assert Settings.from_environment(environment).region == region
