"""The store that a place means: a bucket, or a folder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from supakeep.domain.copy_policy import CopyPolicy, Place
from supakeep.errors import ConfigurationError, InvalidRequestError
from supakeep.ports import FileFolder, ObjectStore
from supakeep.settings import Settings
from supakeep.stores.disk_folder import DiskFolder
from supakeep.stores.folder import FolderObjectStore
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.stores.unopened import UnopenedObjectStore
from supakeep.wiring.clients import FOR_WORK, Access, Timeouts, is_awss_own, s3_client


def copy_store(copy: CopyPolicy, settings: Settings, timeouts: Timeouts = FOR_WORK) -> ObjectStore:
    """The store of a `[[copy]]` entry. What is wrong with its settings is an error of this store, so
    that the other ones go on.
    """
    try:
        return _open(copy, settings, timeouts)
    except ConfigurationError as exc:
        return UnopenedObjectStore(copy.name, exc)


def _open(copy: CopyPolicy, settings: Settings, timeouts: Timeouts) -> ObjectStore:
    place = copy.place
    if place.kind == "folder":
        if settings.function_name is not None:
            raise _not_in_lambda(copy)
        return FolderObjectStore(Path(place.root).expanduser(), name=copy.name)
    if place.kind == "gs":
        credentials = _credential(copy.credentials, copy, settings)
        return gcs_store(place, copy.name, timeouts, credentials=credentials)
    access = Access(
        endpoint=copy.endpoint,
        region=copy.region,
        key_id=_credential(copy.access_key_id, copy, settings),
        secret_key=_credential(copy.secret_access_key, copy, settings),
        role_arn=copy.role_arn,
    )
    return s3_store(place.root, copy.name, timeouts, prefix=place.prefix, access=access)


def _credential(name: str | None, copy: CopyPolicy, settings: Settings) -> str | None:
    """What the variable of this name holds; None where the copy needs none."""
    if name is None:
        return None
    if (value := settings.copy_credentials.get(name)) is not None:
        return value.get_secret_value()
    raise ConfigurationError(
        f"{name} is not set, which the copy {copy.name} needs",
        operation="read settings",
        key=name,
        hint="Set the variable; in AWS, add the key to the secret (output SecretArn).",
    )


def _not_in_lambda(copy: CopyPolicy) -> ConfigurationError:
    return ConfigurationError(
        f"The copy {copy.name} is a folder, and a function's disk does not last",
        operation="read settings",
        key=copy.name,
        hint="Name a bucket (s3://…, gs://…). Folders are for the command line.",
    )


def s3_store(
    bucket: str,
    name: str,
    timeouts: Timeouts = FOR_WORK,
    *,
    prefix: str = "",
    access: Access | None = None,
) -> ObjectStore:
    """An S3 bucket as a store; without `access`, with the credentials that boto3 finds by itself."""
    from supakeep.stores.s3 import S3ObjectStore

    access = access or Access()
    # a copy that hangs must leave the backup time to end; what is repeated is repeated here only
    once = replace(timeouts, aws_seconds=timeouts.mirror_seconds, aws_attempts=1)
    client = s3_client(once, access)
    is_awss = access.endpoint is None and is_awss_own(client.meta.endpoint_url)
    client_in = partial(s3_client, once, access) if is_awss else None
    store = S3ObjectStore(
        client,
        bucket,
        name=name,
        client_in=client_in,
        prefix=prefix,
        is_compatible=access.endpoint is not None,
    )
    return RetryingObjectStore(store)


def gcs_store(
    place: Place, name: str, timeouts: Timeouts = FOR_WORK, *, credentials: str | None = None
) -> ObjectStore:
    """A bucket of Google Cloud Storage. `credentials` is a service account's key as JSON; without it,
    Google's client finds the credentials by itself. Raises ConfigurationError.
    """
    try:
        from supakeep.stores.gcs import GcsObjectStore
        from supakeep.wiring.google import gcs_client
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"{name} needs google-cloud-storage, which is not installed",
            operation="read settings",
            key=name,
            hint="Install the extra supakeep[gcs]; for the functions, build with SUPAKEEP_GCS=1.",
        ) from exc

    store = GcsObjectStore(
        gcs_client(credentials),
        place.root,
        name=name,
        prefix=place.prefix,
        timeout_seconds=(timeouts.connect_seconds, timeouts.mirror_seconds),
    )
    return RetryingObjectStore(store)


def store_at(place: str) -> ObjectStore:
    """The store at `s3://bucket/prefix` or `gs://bucket/prefix`, or in a local folder."""
    parsed = Place.parse(place)
    if parsed.kind == "s3":
        return s3_store(parsed.root, place, prefix=parsed.prefix)
    if parsed.kind == "gs":
        return gcs_store(parsed, place)
    return FolderObjectStore(_folder(place))


def folder_at(place: str) -> FileFolder:
    """A local folder, for files under their own names. Raises InvalidRequestError for a bucket."""
    if Place.parse(place).kind != "folder":
        raise InvalidRequestError(
            f"{place} is a bucket, and files under their own names are written into a folder",
            operation="open folder",
            key=place,
            hint="Name a folder after --to. `supakeep restore --files` brings files back into Storage.",
        )
    return DiskFolder(_folder(place))


def _folder(place: str) -> Path:
    folder = Path(place)
    if folder.exists() and not folder.is_dir():
        # said now, and not after every table was read
        raise InvalidRequestError(
            f"{place} is a file; --to and --from take a folder",
            operation="open folder",
            key=place,
            hint="Name a folder. --to creates it if it does not exist.",
        )
    return folder
