"""Everything that Supakeep raises on purpose.

SupakeepError
├── ConfigurationError           settings or supakeep.toml are wrong
├── InvalidRequestError          the caller asked for something malformed
├── UnauthorizedError            wrong or missing key
├── WrongKeysError               too many wrong keys came from one address
├── ForbiddenError               the key is not good for this
├── StorageError                 an object store refused
│   ├── ObjectNotFoundError
│   ├── BucketNotFoundError
│   ├── ObjectAlreadyExistsError
│   ├── StoragePermissionError
│   ├── ObjectLockedError        it may not be deleted yet, whoever asks
│   ├── FileChangedError         a file of the project is not what it was when it was listed
│   └── StorageUnavailableError  (retryable)
│       └── AlteredAnswerError   it gave other bytes than its own checksum says
├── DatabaseError                the database refused
│   ├── DatabaseUnavailableError (retryable)
│   │   └── StatementTimeoutError it took too long: fewer rows may be done in time
│   ├── StatementTooLargeError   it took too much memory or space: fewer rows may pass
│   ├── DatabasePermissionError
│   ├── FunctionsMissingError    the migration with Supakeep's functions has not run
│   ├── ConstraintViolationError a row cannot be written: a key, check or type forbids it
│   ├── ExportError
│   └── RestoreError
├── IntegrityError               what was stored is not what was written
│   ├── ChecksumError
│   ├── ManifestError
│   ├── SignatureError           a manifest is not signed with a key that is known
│   │   └── UnsignedError        it has no signature at all
│   ├── CopiesDifferError        stores hold different backups under one name
│   └── FormatVersionError
├── DecryptionError              a backup is encrypted, and its identity is missing or another one
├── BackupNotFoundError
├── RunNotFoundError
├── ApiKeyNotFoundError
├── UnsafeOperationError         refused, because it would destroy something
├── LeaseHeldError               another run is at work
├── MachineError                 this machine refused, for example because its disk is full
└── DeadlineExceededError        the time given is used up
"""

from __future__ import annotations

from typing import ClassVar


class SupakeepError(Exception):
    """A failure that can be reported to the user.

    `message` says what happened and where, `hint` how to fix it, `operation` what was being done
    (`upload`, `export`, …) and `key` the object, table or setting concerned. A server that said when
    to come back has its answer in `retry_after_seconds`. Neither `message` nor `hint` holds a value of a
    row, since both are recorded and logged. `in_full` is the message with such values, where there are
    any: for whoever asked, and for nobody else.
    """

    retryable: ClassVar[bool] = False
    retry_after_seconds: float | None = None

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        key: str | None = None,
        hint: str | None = None,
        in_full: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.key = key
        self.hint = hint
        self.in_full = message if in_full is None else in_full

    def __str__(self) -> str:
        return self.message


class ConfigurationError(SupakeepError):
    """Settings or supakeep.toml are wrong."""


class InvalidRequestError(SupakeepError):
    """The caller asked for something malformed."""


class UnauthorizedError(SupakeepError):
    """The key is wrong or missing; the answer is the same for both."""

    def __init__(self) -> None:
        super().__init__(
            "Unauthorized",
            operation="authorize",
            hint="Send 'Authorization: Bearer <key>' with the ADMIN_KEY (admin routes) "
            "or the CRON_SECRET (cron route).",
        )


class WrongKeysError(SupakeepError):
    """Too many wrong keys came from one address; `retry_after_seconds` is when it may try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            "Too many wrong keys came from this address",
            operation="authorize",
            hint=f"Try again after {seconds} s. A right key is taken at any time.",
        )
        self.retry_after_seconds = seconds


class ForbiddenError(SupakeepError):
    """The key is right, and not good for this."""

    def __init__(self, name: str, scope: str) -> None:
        super().__init__(
            f"The key {name} lacks the scope {scope}",
            operation="authorize",
            key=name,
            hint=f"Use a key that has it. `supakeep keys add NAME --scope {scope}` makes one.",
        )


class StorageError(SupakeepError):
    """An object store refused."""


class ObjectNotFoundError(StorageError):
    """No object has this key."""


class BucketNotFoundError(StorageError):
    """The bucket itself is missing."""


class ObjectAlreadyExistsError(StorageError):
    """Objects are write-once, and this key is taken."""


class StoragePermissionError(StorageError):
    """The store's credentials do not allow this."""


class ObjectLockedError(StorageError):
    """The store keeps the object for a time that is not over yet."""


class FileChangedError(StorageError):
    """A file of the project is not what it was when it was listed."""


class StorageUnavailableError(StorageError):
    """The store did not answer, or answered with a failure of its own."""

    retryable = True


class AlteredAnswerError(StorageUnavailableError):
    """What the store gave does not match its own checksum: damaged there, or on the way."""


class DatabaseError(SupakeepError):
    """The database refused. `lacked_room`: for want of disk or memory, which says nothing about rows."""

    lacked_room: bool = False


class DatabaseUnavailableError(DatabaseError):
    """The database did not answer, or cancelled the statement."""

    retryable = True


class StatementTimeoutError(DatabaseUnavailableError):
    """The statement was cancelled, because it took too long: fewer rows may be done in time."""


class StatementTooLargeError(DatabaseError):
    """The statement went past the server's memory or another limit: fewer rows may pass."""


class DatabasePermissionError(DatabaseError):
    """The role may not read or write this table."""


class FunctionsMissingError(DatabaseError):
    """Supakeep's database functions are not installed, or are of another version."""


class ConstraintViolationError(DatabaseError):
    """The database will not hold this row: a key, a check or a type forbids it."""


class ExportError(DatabaseError):
    """A table could not be exported."""


class RestoreError(DatabaseError):
    """A table could not be restored."""


class IntegrityError(SupakeepError):
    """What is stored is not what was written."""


class ChecksumError(IntegrityError):
    """Bytes differ from the checksum in the manifest, or are missing."""


class ManifestError(IntegrityError):
    """The manifest cannot be read, or was changed after it was written."""


class SignatureError(IntegrityError):
    """The manifest was signed with no key that is known, or changed after it was signed."""


class UnsignedError(SignatureError):
    """The manifest has no signature, and one is required."""


class CopiesDifferError(IntegrityError):
    """Stores hold different backups under one name, and nothing says which one is right."""


class FormatVersionError(IntegrityError):
    """The backup was written by a newer major version of the format."""


class DecryptionError(SupakeepError):
    """The backup is encrypted, and no identity that was given opens it."""


class BackupNotFoundError(SupakeepError):
    """No backup has this name."""


class RunNotFoundError(SupakeepError):
    """No run has this id."""


class ApiKeyNotFoundError(SupakeepError):
    """No key has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No key is named {name[:100]}",
            operation="read keys",
            key=name,
            hint="`supakeep keys list` shows the names.",
        )


class UnsafeOperationError(SupakeepError):
    """Refused, because it would destroy something that the caller may not have meant."""


class LeaseHeldError(SupakeepError):
    """Another backup, restore or prune of the same project is at work."""


class MachineError(SupakeepError):
    """The machine that Supakeep runs on refused, for example because its disk is full."""


class DeadlineExceededError(SupakeepError):
    """The time given to this invocation is used up."""
