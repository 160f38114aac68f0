from __future__ import annotations

import pytest

from supakeep.aws_credentials import refused_credentials


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_credentials_that_expired_are_to_be_renewed(code: str) -> None:
    refused = refused_credentials(code)

    assert refused is not None
    assert "expired" in refused.reason
    assert "aws sso login" in refused.hint


@pytest.mark.parametrize(
    "code",
    ["InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken"],
)
def test_credentials_that_nobody_knows_are_to_be_corrected(code: str) -> None:
    refused = refused_credentials(code)

    assert refused is not None
    assert code in refused.reason
    assert "AWS_SESSION_TOKEN" in refused.hint


def test_a_clock_that_is_wrong_is_to_be_set() -> None:
    refused = refused_credentials("RequestTimeTooSkewed")

    assert refused is not None
    assert "clock" in refused.hint


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "", "NoSuchBucket"])
def test_other_errors_are_not_about_credentials(code: str) -> None:
    assert refused_credentials(code) is None
