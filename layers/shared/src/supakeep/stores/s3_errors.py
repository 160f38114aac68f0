"""What S3, or its client, answers in place of an object, as this package's errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import NoReturn

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
)

from supakeep.aws_credentials import refused_credentials
from supakeep.errors import (
    BucketNotFoundError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.retries import requested_pause
from supakeep.stores.hints import MISSING_OBJECT_HINT, TAKEN_KEY_HINT

NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, SSOError)
# S3 may give these with a status below 500
_BUSY_CODES = ("SlowDown", "RequestTimeout", "Throttling")


def no_credentials(exc: BotoCoreError, operation: str, key: str) -> StoragePermissionError:
    return StoragePermissionError(
        f"AWS credentials are missing or incomplete: {type(exc).__name__}",
        operation=operation,
        key=key,
        hint="Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws configure` and "
        "`aws sso login` store them for a profile.",
    )


def no_bucket_name(bucket: str, operation: str) -> StorageError:
    """Keys are Supakeep's own, so it is the bucket's name that S3's client refuses to send."""
    name = bucket.removeprefix("s3://").partition("/")[0]
    if name in ("", bucket):
        name = "my-bucket"
    return StorageError(
        f"{bucket!r} is not the name of an S3 bucket",
        operation=operation,
        key=bucket,
        hint=f"Write s3://{name} or s3://{name}/prefix (--from, --to, [[copy]]); MIRROR_S3_BUCKET={name} "
        "takes only the bucket.",
    )


def raise_mapped(exc: ClientError, operation: str, key: str, bucket: str) -> NoReturn:
    """The one place where S3's errors become ours, by their codes."""
    code = exc.response.get("Error", {}).get("Code", "")
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        raise BucketNotFoundError(
            f"The S3 bucket {bucket} does not exist",
            operation=operation,
            key=key,
            hint="Correct the name (--from, --to, MIRROR_S3_BUCKET, [[copy]]), or create the bucket.",
        ) from exc
    if code in ("NoSuchKey", "404"):
        raise ObjectNotFoundError(
            f"{key} is not in {bucket}", operation=operation, key=key, hint=MISSING_OBJECT_HINT
        ) from exc
    # 409: another writer of the same key is at work; 412 stands for itself where its page cannot be read
    if code in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
        raise ObjectAlreadyExistsError(
            f"{key} is in {bucket} already", operation=operation, key=key, hint=TAKEN_KEY_HINT
        ) from exc
    if (refused := refused_credentials(code)) is not None:
        raise StoragePermissionError(
            f"Permission denied by S3 for {bucket}: {refused.reason}",
            operation=operation,
            key=key,
            hint=refused.hint,
        ) from exc
    if status in (401, 403):
        raise StoragePermissionError(
            f"Permission denied by S3 for {bucket}: {code}",
            operation=operation,
            key=key,
            hint="The function's role (or your AWS credentials) must allow this on the bucket.",
        ) from exc
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _BUSY_CODES:
        busy = StorageUnavailableError(
            f"S3 could not answer: {code}",
            operation=operation,
            key=key,
            hint="Try again later. If it stays like this, look at the provider's status page.",
        )
        headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        busy.retry_after_seconds = requested_pause(headers.get("retry-after"))
        raise busy from exc
    raise StorageError(
        f"S3 refused: {code}",
        operation=operation,
        key=key,
        hint="The server's list of error codes explains it; for AWS: "
        "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.",
    ) from exc
