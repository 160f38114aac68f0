"""An S3 bucket as an object store, in AWS or on a server that speaks as S3 does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    ParamValidationError,
)

from supakeep.errors import (
    AlteredAnswerError,
    ObjectAlreadyExistsError,
    ObjectLockedError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of
from supakeep.ports import StoredObject
from supakeep.stores.deletion import delete_each, delete_in_batches
from supakeep.stores.hints import TAKEN_KEY_HINT
from supakeep.stores.s3_errors import NO_CREDENTIALS, no_bucket_name, no_credentials, raise_mapped
from supakeep.system import temporary_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

_PIECE_BYTES = 1024 * 1024


class S3ObjectStore:
    """One bucket, or what lies under `prefix` in it, through a ready boto3 client.

    `client_in` makes one for another region; None where the server has no regions. `is_compatible` is
    a server that speaks as S3 does, and may not know all of it.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        *,
        name: str = "mirror",
        client_in: Callable[[str], S3Client] | None = None,
        prefix: str = "",
        is_compatible: bool = False,
    ) -> None:
        self.name = name
        self._client = client
        self._bucket = bucket
        self._folder = f"{prefix}/" if prefix else ""
        self._is_compatible = is_compatible
        self._client_in = client_in

    def require_private(self) -> None:
        """Asks only whether the bucket is there: S3 blocks public access unless the bucket's owner
        lifts that on purpose, and the functions' roles may not read how it is set.
        """
        with self._mapped_errors("upload", self._bucket):
            self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)

    def spool(self, key: str) -> BinaryIO:  # noqa: ARG002 (the port's)
        return temporary_file()

    def put(self, key: str, content: BinaryIO) -> None:
        with self._mapped_errors("upload", key):
            if self._is_compatible:
                self._put_compatibly(key, content)
            else:
                # write-once, decided by the server: exactly one of two racing writers wins
                self._put(key, content, IfNoneMatch="*")

    def replace(self, key: str, content: BinaryIO) -> None:
        with self._mapped_errors("upload", key), self._lock_named("upload", key):
            if self._is_compatible:
                start = content.tell()
                checked = {"ContentMD5": _content_md5(content)}
                content.seek(start)
                self._put(key, content, **checked)
            else:
                self._put(key, content)

    def _put_compatibly(self, key: str, content: BinaryIO) -> None:
        """Asks first, since a server may ignore the condition, and repeats without the condition where
        the server refuses it. The content's MD5 takes the place of S3's own checksum.
        """
        self._require_free(key)
        start = content.tell()
        checked = {"ContentMD5": _content_md5(content)}
        content.seek(start)
        try:
            self._put(key, content, IfNoneMatch="*", **checked)
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") != "NotImplemented":
                raise
            content.seek(start)
            self._put(key, content, **checked)

    def _put(self, key: str, content: BinaryIO, **conditions: Any) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=self._folder + key,
            Body=content,
            ContentType="application/json",
            **conditions,
        )

    def _require_free(self, key: str) -> None:
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._folder + key)
        except ClientError as exc:
            # a missing bucket is reported by the upload itself
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                raise
            return
        raise ObjectAlreadyExistsError(
            f"{key} is in {self._bucket} already",
            operation="upload",
            key=key,
            hint=TAKEN_KEY_HINT,
        )

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._mapped_errors("download", key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._folder + key)["Body"]
            try:
                yield self._pieces(body.iter_chunks(_PIECE_BYTES), key)
            finally:
                body.close()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._mapped_errors("list", prefix):
            for page in self._pages(prefix):
                for entry in page.get("Contents", ()):
                    key = entry["Key"].removeprefix(self._folder)
                    yield StoredObject(key, entry["Size"], entry["LastModified"])

    def _pages(self, prefix: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        pages = self._client.get_paginator("list_objects_v2")
        try:
            yield from pages.paginate(Bucket=self._bucket, Prefix=self._folder + prefix)
        except ValueError as exc:
            # botocore reads times and numbers without looking at them
            raise _no_answer(exc, "list", prefix) from exc

    def delete(self, key: str) -> None:
        with self._mapped_errors("delete", key), self._lock_named("delete", key):
            self._client.delete_object(Bucket=self._bucket, Key=self._folder + key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        if self._is_compatible:
            # not each of them knows how
            return delete_each(self.delete, keys)
        return delete_in_batches(self._delete_batch, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        left = self.delete_all(keys)
        return left | delete_each(self._erase_versions, [key for key in keys if key not in left])

    def _erase_versions(self, key: str) -> None:
        """Removes what a bucket with versioning keeps of a key; in any other there is nothing left."""
        name = self._folder + key
        with self._mapped_errors("delete", key):
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._bucket, Prefix=name):
                for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if found["Key"] == name:
                        with self._lock_named("delete", key, VersionId=found["VersionId"]):
                            self._client.delete_object(
                                Bucket=self._bucket, Key=name, VersionId=found["VersionId"]
                            )

    def _delete_batch(self, keys: Sequence[str]) -> dict[str, StorageError]:
        with self._mapped_errors("delete", keys[0]):
            answer = self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": self._folder + key} for key in keys], "Quiet": True},
            )
        refused = {error["Key"].removeprefix(self._folder) for error in answer.get("Errors", ())}
        # by itself an object's refusal says why
        return delete_each(self.delete, [key for key in keys if key in refused])

    @contextmanager
    def _lock_named(self, operation: str, key: str, **version: Any) -> Iterator[None]:
        """A refusal because of a lock says so, and until when."""
        try:
            yield
        except ClientError as exc:
            if (why := self._lock_of(key, **version)) is None:
                raise
            raise ObjectLockedError(
                f"{key} in {self.name} is {why}", operation=operation, key=key
            ) from exc

    def _lock_of(self, key: str, **version: Any) -> str | None:
        """Why the object may not be deleted yet, as far as that can be read; None without a lock."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._folder + key, **version)
        except (ClientError, BotoCoreError):
            return None
        return _lock_in(found)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        file_name = key.rpartition("/")[2]
        with self._mapped_errors("sign", key):
            return self._signing_client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": self._folder + key,
                    # with this, a browser saves the object instead of showing it
                    "ResponseContentDisposition": f'attachment; filename="{file_name}"',
                },
                ExpiresIn=expires_in_seconds,
            )

    @cached_property
    def _signing_client(self) -> S3Client:
        """The client of the bucket's own region. A call finds its way to another region by itself; a
        link that names the wrong one is refused when somebody follows it.
        """
        if self._client_in is None:
            return self._client
        region = _region_of(self._client, self._bucket)
        is_elsewhere = region is not None and region != self._client.meta.region_name
        return self._client_in(region) if region and is_elsewhere else self._client

    def _pieces(self, chunks: Iterator[bytes], key: str) -> Iterator[bytes]:
        with self._mapped_errors("download", key):
            yield from chunks

    @contextmanager
    def _mapped_errors(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            raise_mapped(exc, operation, key, self._bucket)
        except ParamValidationError as exc:
            raise no_bucket_name(self._bucket, operation) from exc
        except NO_CREDENTIALS as exc:
            raise no_credentials(exc, operation, key) from exc
        except FlexibleChecksumError as exc:
            raise _no_answer(exc, operation, key, AlteredAnswerError) from exc
        except BotoCoreError as exc:
            raise _no_answer(exc, operation, key) from exc


def _no_answer(
    error: Exception,
    operation: str,
    key: str,
    kind: type[StorageUnavailableError] = StorageUnavailableError,
) -> StorageUnavailableError:
    return kind(
        f"S3 did not answer: {no_answer_of(error).reason}",
        operation=operation,
        key=key,
        hint="Check this machine's network, and the region or the endpoint of the bucket. "
        "Otherwise try again later.",
    )


def _lock_in(found: Mapping[str, object]) -> str | None:
    """The lock of an object, in words, where the answer on it has one."""
    if found.get("ObjectLockLegalHoldStatus") == "ON":
        return "locked by a legal hold"
    until = found.get("ObjectLockRetainUntilDate")
    return f"still locked until {until:%Y-%m-%d %H:%M} UTC" if until else None


def _content_md5(content: BinaryIO) -> str:
    """The MD5 as HTTP's header has it, which leaves the file at its end."""
    # it finds damage on the way, and guards nothing
    digest = hashlib.md5(usedforsecurity=False)
    while piece := content.read(_PIECE_BYTES):
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode()


def _region_of(client: S3Client, bucket: str) -> str | None:
    """The bucket's region, which S3 says to those who may not read the bucket too."""
    try:
        headers = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as exc:
        headers = exc.response["ResponseMetadata"]["HTTPHeaders"]
    return headers.get("x-amz-bucket-region")
