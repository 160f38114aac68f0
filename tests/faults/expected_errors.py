"""Which errors a fault at a service may end in: the class, a part of the message, and a part of the hint.

The first part of a table are the errors that say what the service said; `CONSEQUENCES` are those of
what it did not do, or did wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.faults.scratch import SAID, SERVER_FAULTS


class Said(NamedTuple):
    """An error of one of `errors`, whose message has `message` in it, and whose hint has `hint`."""

    errors: frozenset[str]
    message: str
    hint: str


def _said(errors: str, message: str, hint: str) -> Said:
    return Said(frozenset(errors.split()), message, hint)


Alternatives = Sequence[Said]

_BROKEN = (
    "reset before",
    "reset after",
    "late and not done",
    "late and done",
    "answer cut short",
    "request bit-flipped",
)
_FOREIGN = ("200 with HTML", "answer bit-flipped")
_BUSY = ("429", "500", "500, but done", "502 with HTML", "503")
_REFUSED = ("401", "403", "403 with HTML", "400, expired token")
_ODD = ("404", "404, no bucket", "409", "412", "413")
EVERY_FAULT = (*_BROKEN, *_FOREIGN, *_BUSY, *_REFUSED, *_ODD)

_LATER = "Try again later"
_EXPIRED = "`aws sso login`"
_INVALID = "AWS_SECRET_ACCESS_KEY"
_ANOTHER = "another"
# an error of a store that is found while a backup is read back is one of that copy
_DENIED = "StoragePermissionError StorageUnavailableError"
_REFUSED_BY_STORE = "StorageError StorageUnavailableError"

# rungs of a drill above the one that failed or broke off: no error of their own
_NOT_TRIED = (
    _said("", "The rows could not be", ""),
    _said("", "The drill broke off at the rung", ""),
    _said("", "No store has it", ""),
)

CONSEQUENCES: Mapping[str, Alternatives] = {
    "storage": (
        *_NOT_TRIED,
        _said("ChecksumError", "could not be read back from", "Back up again"),
        _said("ChecksumError", "is damaged", _ANOTHER),
        _said("ManifestError", "cannot be trusted", _ANOTHER),
        _said("BackupNotFoundError", "No backup", "supakeep list"),
        _said("StorageError", "does not hold it in full", "Back up again"),
        _said("StorageError", "its manifest is missing", "supakeep copy"),
        _said("StorageError", "it has no copy of this backup", "supakeep copy"),
        _said("IntegrityError", "The ledger entry", "supakeep ledger verify"),
        _said("", "missing: files/", "supakeep copy"),
        # the answer to the first try was spoilt, and the second one found what that had written
        _said("ObjectExistsError", "is in Storage already", "Objects are never overwritten"),
    ),
    "dynamodb": (
        *_NOT_TRIED,
        _said("StorageError", "cannot be read", "delete that item"),
        _said("LeaseHeldError", "took this project over", "Look at both runs"),
        _said("LeaseHeldError", "is at work", "supakeep runs"),
    ),
    "secretsmanager": (
        _said("ConfigurationError", "is not set", "in the secret"),
        _said("ConfigurationError", "is not JSON", "one JSON object"),
        _said("ConfigurationError", "is not a JSON object", "one JSON object"),
        _said("ConfigurationError", "holds bytes", "put-secret-value"),
    ),
    "lambda": (),
    "notices": (),
    "scratch": (*_NOT_TRIED, _said("", "came back of", "Report this as a bug")),
    # before an upload, it is asked whether the bucket is open
    "data api": (_said("StorageUnavailableError", "Storage did not answer", _LATER),),
}

_STORAGE_SILENT = (
    _said("StorageUnavailableError", "Storage did not answer", _LATER),
    _said("StorageUnavailableError", "Failed to download backup", "read another copy"),
)
_LOST_FILE = _said("StorageError", "is listed by Storage, which has no object", "Upload the file")
_KEY_REFUSED = (_said(_DENIED, "Permission denied", "SUPABASE_SERVICE_ROLE_KEY"),)
_STORAGE_REFUSED = (_said(_REFUSED_BY_STORE, "Storage refused", "Logs, Storage"),)

_STORAGE: Mapping[str, Alternatives] = {
    **dict.fromkeys((*_BROKEN, *_FOREIGN, *_BUSY), _STORAGE_SILENT),
    **dict.fromkeys(("401", "403", "403 with HTML"), _KEY_REFUSED),
    **dict.fromkeys(("400, expired token", "412"), _STORAGE_REFUSED),
    "404": (
        _said("ObjectNotFoundError StorageUnavailableError", "is not in Storage", _ANOTHER),
        _said("BucketNotFoundError", "Storage bucket not found", "supakeep migration"),
        _LOST_FILE,
    ),
    "404, no bucket": (
        _said(
            "BucketNotFoundError StorageUnavailableError", "bucket not found", "supakeep migration"
        ),
        _LOST_FILE,
    ),
    "409": (
        _said("ObjectAlreadyExistsError StorageUnavailableError", "already", "never overwritten"),
    ),
    "413": (_said(_REFUSED_BY_STORE, "larger than Storage allows", "file size limit"),),
}

_S3: Mapping[str, Alternatives] = {
    **dict.fromkeys(
        (*_BROKEN, *_FOREIGN, "403 with HTML"),
        (
            _said("StorageUnavailableError", "S3 did not answer", _LATER.lower()),
            # boto3 takes a list that is no XML for a failure of the server
            _said("StorageUnavailableError", "S3 could not answer: 500", "status page"),
        ),
    ),
    **dict.fromkeys(
        _BUSY, (_said("StorageUnavailableError", "S3 could not answer", "status page"),)
    ),
    "400, expired token": (_said(_DENIED, "credentials have expired", _EXPIRED),),
    "401": (_said(_DENIED, "credentials are not valid", _INVALID),),
    "403": (_said(_DENIED, "Permission denied by S3", "must allow this on the bucket"),),
    "404": (
        _said("ObjectNotFoundError StorageUnavailableError", "is not in mirror", _ANOTHER),
        _said("ObjectNotFoundError StorageUnavailableError", "is not in offsite", _ANOTHER),
    ),
    "404, no bucket": (
        _said("BucketNotFoundError StorageUnavailableError", "does not exist", "create the bucket"),
    ),
    **dict.fromkeys(
        ("409", "412"),
        (
            _said(
                "ObjectAlreadyExistsError StorageUnavailableError", "already", "never overwritten"
            ),
        ),
    ),
    "413": (_said(_REFUSED_BY_STORE, "S3 refused: EntityTooLarge", "list of error codes"),),
}

_DYNAMODB: Mapping[str, Alternatives] = {
    **dict.fromkeys(
        (*_BROKEN, *_FOREIGN, "403 with HTML"),
        (
            _said("StorageUnavailableError", "DynamoDB did not answer", _LATER),
            _said("StorageUnavailableError", "DynamoDB could not answer", _LATER),
        ),
    ),
    **dict.fromkeys(
        (*_BUSY, *_ODD), (_said("StorageUnavailableError", "DynamoDB could not answer", _LATER),)
    ),
    "400, expired token": (
        _said("StoragePermissionError", "by DynamoDB: its AWS credentials have expired", _EXPIRED),
    ),
    "401": (_said("StoragePermissionError", "credentials are not valid", _INVALID),),
    "403": (_said("StoragePermissionError", "denied by DynamoDB for runs", "dynamodb:GetItem"),),
}

_UNREAD = (_said("ConfigurationError", "supakeep could not be read", _LATER),)
_SECRETS_MANAGER: Mapping[str, Alternatives] = {
    **dict.fromkeys((*_BROKEN, *_FOREIGN, *_BUSY, *_ODD, "403 with HTML"), _UNREAD),
    "400, expired token": (_said("ConfigurationError", "credentials have expired", _EXPIRED),),
    "401": (_said("ConfigurationError", "credentials are not valid", _INVALID),),
    "403": (_said("ConfigurationError", "supakeep may not be read", "ExistingSecretArn"),),
}

_NOT_STARTED = (_said("StorageUnavailableError", "could not be started", "lambda:InvokeFunction"),)
_LAMBDA: Mapping[str, Alternatives] = {
    **dict.fromkeys(EVERY_FAULT, _NOT_STARTED),
    "400, expired token": (_said("StoragePermissionError", "credentials have expired", _EXPIRED),),
    "401": (_said("StoragePermissionError", "credentials are not valid", _INVALID),),
}

# where none of the tables can be exported, the error of the first is part of the error
_DATABASE_SILENT = (
    _said(
        "DatabaseUnavailableError StatementTimeoutError ExportError",
        "The database did not answer",
        "whether the project is paused",
    ),
    # one row at a time is the last that is tried before a page is given up
    _said("StatementTimeoutError ExportError", "Reading a single row", "SUPABASE_DB_URL"),
)
_DATA_API: Mapping[str, Alternatives] = {
    **dict.fromkeys((*_BROKEN, "200 with HTML", "429", "502 with HTML"), _DATABASE_SILENT),
    **dict.fromkeys(
        ("500", "500, but done", "503"),
        (
            _said(
                "DatabaseUnavailableError ExportError", "The database could not answer", "is paused"
            ),
        ),
    ),
    **dict.fromkeys(
        ("400, expired token", "409"),
        (
            _said("DatabaseError ExportError", "The database refused", "Logs, Postgres"),
            _said("ConstraintViolationError", "", "Logs, Postgres"),
        ),
    ),
    **dict.fromkeys(
        ("401", "403 with HTML"),
        (
            _said(
                "DatabasePermissionError ExportError",
                "Permission denied",
                "SUPABASE_SERVICE_ROLE_KEY",
            ),
        ),
    ),
    "403": (
        _said(
            "DatabasePermissionError ExportError", "Permission denied", "SUPABASE_SERVICE_ROLE_KEY"
        ),
        _said("DatabasePermissionError ExportError", "Permission denied for table", "GRANT"),
        _said(
            "DatabasePermissionError ExportError",
            "Permission denied",
            "GRANT SELECT, UPDATE ON ALL SEQUENCES",
        ),
    ),
    **dict.fromkeys(
        ("404", "404, no bucket"),
        (_said("FunctionsMissingError ExportError", "are not installed", "supakeep migration"),),
    ),
    "412": (
        _said("DatabaseError ExportError", "gateway refused: HTTP 412", "NEXT_PUBLIC_SUPABASE_URL"),
    ),
    "413": (_said("StatementTooLargeError ExportError", "too large", "SUPABASE_DB_URL"),),
}

_SCRATCH = (
    _said(
        "DatabaseError DatabaseUnavailableError DatabasePermissionError ConstraintViolationError "
        "MachineError",
        SAID,
        "",
    ),
    _said("MachineError", "", "disk"),
)

EXPECTED: Mapping[str, Mapping[str, Alternatives]] = {
    "storage": _STORAGE,
    "s3": _S3,
    "dynamodb": _DYNAMODB,
    "secretsmanager": _SECRETS_MANAGER,
    "lambda": _LAMBDA,
    "data api": _DATA_API,
    # whoever cannot be told is named in the log, and fails no run
    "notices": dict.fromkeys(EVERY_FAULT, ()),
    "scratch": {fault.name: _SCRATCH for fault in SERVER_FAULTS},
}
