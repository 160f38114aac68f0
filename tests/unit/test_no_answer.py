from __future__ import annotations

import json
import socket
import ssl

import httpx
import pytest

from supakeep.no_answer import no_answer_of


def wrapped(cause: BaseException) -> httpx.ConnectError:
    """As httpx raises it: the cause is two levels below."""
    try:
        try:
            raise RuntimeError("httpcore") from cause
        except RuntimeError as middle:
            raise httpx.ConnectError("All connection attempts failed") from middle
    except httpx.ConnectError as error:
        return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("cause", "reason", "fix"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused", None),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer", None),
        (
            socket.gaierror(-2, "Name or service not known"),
            "its host is not known (Name or service not known)",
            "NEXT_PUBLIC_SUPABASE_URL",
        ),
        (
            untrusted(),
            "its certificate is not trusted (self-signed certificate)",
            "SSL_CERT_FILE",
        ),
        (ssl.SSLError(1, "wrong version number"), "TLS failed (wrong version number)", "port"),
        (TimeoutError(), "no connection", None),
    ],
    ids=["refused", "reset", "unknown host", "untrusted", "no TLS", "silent"],
)
def test_the_first_cause_that_says_something_is_named(
    cause: BaseException, reason: str, fix: str | None
) -> None:
    found = no_answer_of(wrapped(cause))

    assert found.reason.startswith(reason)
    assert (found.hint is None) is (fix is None)
    assert fix is None or fix in str(found.hint)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.RemoteProtocolError("x"), "the connection ended before the answer did"),
        (httpx.ReadTimeout("x"), "no answer within the time limit"),
        (json.JSONDecodeError("x", "<html>", 0), "the answer is no JSON"),
    ],
    ids=["cut", "silent", "a page"],
)
def test_an_error_of_a_library_is_put_into_words(error: Exception, reason: str) -> None:
    assert no_answer_of(error).reason.startswith(reason)
