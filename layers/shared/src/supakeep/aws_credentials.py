"""What AWS says, in any of its services, to credentials that it does not take."""

from __future__ import annotations

from typing import NamedTuple


class RefusedCredentials(NamedTuple):
    """`reason` completes a sentence, and `hint` is the fix."""

    reason: str
    hint: str


# S3, and the services that speak JSON, each have names of their own
_EXPIRED = frozenset(
    ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
)
_UNKNOWN = frozenset(
    (
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    )
)
_CLOCK = frozenset(("RequestTimeTooSkewed", "RequestInTheFuture"))


def refused_credentials(code: str) -> RefusedCredentials | None:
    """Why these credentials are refused, by the code of AWS's error; None where it is about anything else."""
    if code in _EXPIRED:
        return RefusedCredentials(
            "its AWS credentials have expired",
            "Renew them, for example with `aws sso login`, and run it again. A function's own are renewed "
            "by themselves.",
        )
    if code in _UNKNOWN:
        return RefusedCredentials(
            f"its AWS credentials are not valid ({code})",
            "Correct AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which "
            "belong together; a [[copy]] may have a key of its own. `aws sts get-caller-identity` shows "
            "whose they are.",
        )
    if code in _CLOCK:
        return RefusedCredentials(
            "this machine's clock is wrong", "Set the clock of this machine, and run it again."
        )
    return None
