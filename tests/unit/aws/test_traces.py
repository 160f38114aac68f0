from __future__ import annotations

import pytest

from supakeep.aws.traces import traced


@pytest.mark.parametrize("sampled", ["Root=1-a-b;Parent=c;Sampled=0", "Root=1-a-b", ""])
def test_an_invocation_that_is_not_sampled_opens_no_socket(
    sampled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", sampled)

    # a socket would be refused: unit tests have none
    assert traced(lambda *_: {"fine": True})({}, None) == {"fine": True}
