"""Why no answer came: what the operating system or TLS said, which client libraries hide behind their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# errors of httpx, botocore and json by name, since none is imported only for its errors
_IN_WORDS = {
    "RemoteProtocolError": "the connection ended before the answer did",
    "ReadError": "the connection ended before the answer did",
    "WriteError": "the connection ended before all was sent",
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection within the time limit",
    "ReadTimeout": "no answer within the time limit",
    "WriteTimeout": "it stopped taking data",
    "JSONDecodeError": "the answer is no JSON, as if another server had given it",
    "ConnectTimeoutError": "no connection within the time limit",
    "ReadTimeoutError": "no answer within the time limit",
    "ConnectionClosedError": "the connection ended before the answer did",
    "IncompleteReadError": "the answer was cut short",
    "ResponseStreamingError": "the answer was cut short",
    "FlexibleChecksumError": "it gave other bytes than its own checksum says",
    "ValueError": "the answer cannot be read, as if it had been altered on the way",
    "ForeignAnswerError": "the answer is a page for a browser, such as a proxy gives",
    # where a field of an answer is missing, or is something else
    "KeyError": "the answer lacks what it has to have, as if another server had given it",
    "TypeError": "the answer lacks what it has to have, as if another server had given it",
}


class NoAnswer(NamedTuple):
    """`reason` in words, and `hint` where there is a fix beside waiting."""

    reason: str
    hint: str | None = None


def no_answer_of(error: BaseException) -> NoAnswer:
    """The first cause that says something; the error's own class in words where none does."""
    import socket
    import ssl

    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoAnswer(
                f"its certificate is not trusted ({cause.verify_message})",
                "Check the address. A proxy that opens TLS has a certificate of its own: name its "
                "authority's file in SSL_CERT_FILE.",
            )
        if isinstance(cause, ssl.SSLError):
            # only an error that OpenSSL raised has a reason
            said = getattr(cause, "reason", None) or cause.strerror
            return NoAnswer(f"TLS failed ({said})", "Check the address and its port.")
        if isinstance(cause, socket.gaierror):
            return NoAnswer(
                f"its host is not known ({cause.strerror})",
                "Check the address (NEXT_PUBLIC_SUPABASE_URL) and this machine's network. A project "
                "that was deleted has no address any more.",
            )
        if isinstance(cause, OSError) and cause.strerror:
            return NoAnswer(cause.strerror)
    name = type(error).__name__
    return NoAnswer(_IN_WORDS.get(name, name))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
