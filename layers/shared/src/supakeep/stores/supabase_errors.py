"""What Supabase Storage answers when it refuses, or does not answer, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import httpx
from storage3.exceptions import StorageApiError

from supakeep.errors import (
    BucketNotFoundError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of
from supakeep.retries import requested_pause
from supakeep.stores.hints import MISSING_OBJECT_HINT, TAKEN_KEY_HINT
from supakeep.supabase_gateway import RESTRICTED_STATUSES

_LATER = (
    "Try again later. If it stays like this, check in the Supabase dashboard whether the project is paused "
    "or restarting."
)


@contextmanager
def mapped_errors(operation: str, key: str) -> Iterator[None]:
    """What is no answer of Storage's becomes StorageUnavailableError."""
    try:
        yield
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
        # the last three: an answer of 200 that is not Storage's, such as a proxy's page
        raise unavailable(operation, key, *no_answer_of(exc)) from exc


def raise_for_error(response: httpx.Response, operation: str, key: str) -> None:
    if response.is_success:
        return
    if response.status_code in RESTRICTED_STATUSES:
        message, hint = RESTRICTED_STATUSES[response.status_code]
        message = f"{message} (HTTP {response.status_code})"
        raise StorageError(message, operation=operation, key=key, hint=hint)
    response.read()
    try:
        body = response.json()
        error = StorageApiError(body["message"], body["error"], body["statusCode"])
    except (ValueError, KeyError, TypeError):
        error = StorageApiError(response.reason_phrase, "InternalError", response.status_code)
    try:
        _raise_mapped(error, operation, key)
    except StorageUnavailableError as exc:
        exc.retry_after_seconds = requested_pause(response.headers.get("retry-after"))
        raise


def _raise_mapped(exc: StorageApiError, operation: str, key: str) -> NoReturn:
    """The one place where Storage's errors become ours, by their codes."""
    status, code = str(exc.status), exc.code
    if code in ("Bucket not found", "NoSuchBucket") or (operation == "upload" and status == "404"):
        raise _bucket_not_found(operation, key) from exc
    if status == "404":
        raise ObjectNotFoundError(
            f"{key} is not in Storage", operation=operation, key=key, hint=MISSING_OBJECT_HINT
        ) from exc
    if status == "409":
        raise ObjectAlreadyExistsError(
            f"{key} is in Storage already", operation=operation, key=key, hint=TAKEN_KEY_HINT
        ) from exc
    if status in ("401", "403"):
        raise StoragePermissionError(
            "Permission denied",
            operation=operation,
            key=key,
            hint="Check SUPABASE_SERVICE_ROLE_KEY: Storage wants the secret key (service role).",
        ) from exc
    if status == "413":
        raise StorageError(
            f"{key} is larger than Storage allows",
            operation=operation,
            key=key,
            hint="Lower MAX_OBJECT_BYTES below the bucket's and the project's file size limit."
            if operation == "upload"
            else "Raise the bucket's and the project's file size limit: dashboard, Storage.",
        ) from exc
    if status == "429" or status.startswith("5"):
        raise unavailable(operation, key, f"{exc.message} ({status})") from exc
    raise StorageError(
        f"Storage refused: {exc.message} ({status})",
        operation=operation,
        key=key,
        hint="Supabase's dashboard has the request under Logs, Storage, with the reason.",
    ) from exc


def _bucket_not_found(operation: str, key: str) -> BucketNotFoundError:
    failed = "Upload failed: " if operation == "upload" else ""
    return BucketNotFoundError(
        f"{failed}Storage bucket not found",
        operation=operation,
        key=key,
        hint="Run what `supakeep migration` prints in the SQL editor. It creates the private bucket. If it is "
        "there, check SUPABASE_SERVICE_ROLE_KEY: Storage hides the bucket from every other key.",
    )


def unavailable(
    operation: str, key: str, why: str, fix: str | None = None
) -> StorageUnavailableError:
    message, otherwise = "Storage did not answer", _LATER
    if operation == "download":
        message = "Failed to download backup"
        otherwise = "Try again later, or read another copy (--from and the name of its store)."
    return StorageUnavailableError(
        f"{message}: {why}", operation=operation, key=key, hint=fix or otherwise
    )
