"""Where the measured backups go: an S3 server on this machine, or a folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from devstack.aws.services import start_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from devstack.processes.children import Children

BUCKET = "bench"


class Store(Protocol):
    """The value of `--to` and `--from`."""

    @property
    def address(self) -> str: ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which the command line reaches it."""
        ...

    def clear(self) -> None:
        """Removes every object."""
        ...

    def place(self, objects: Mapping[str, bytes]) -> None:
        """Puts these objects there, by their keys."""
        ...

    def size_bytes(self) -> int:
        """Of all objects."""
        ...


@dataclass(frozen=True)
class Folder:
    """Objects as files; every one is flushed to the disk, as pg_dump does with its own."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return str(self.path)

    def clear(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()

    def place(self, objects: Mapping[str, bytes]) -> None:
        for key, content in objects.items():
            path = self.path / key
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)

    def size_bytes(self) -> int:
        return size_of(self.path)


@dataclass(frozen=True)
class Bucket:
    """A bucket of moto's S3 server, which takes its share of the machine's cores."""

    client: S3Client
    environment: Mapping[str, str]
    address: str = f"s3://{BUCKET}"

    def clear(self) -> None:
        keys = list(self._sizes())
        for start in range(0, len(keys), 1000):
            batch = keys[start : start + 1000]
            self.client.delete_objects(
                Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
            )

    def place(self, objects: Mapping[str, bytes]) -> None:
        for key, content in objects.items():
            self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def size_bytes(self) -> int:
        return sum(self._sizes().values())

    def _sizes(self) -> dict[str, int]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def open_store(kind: str, folder: Path, children: Children) -> Store:
    """An empty store of this kind, `folder` or `s3`; its data is in `folder`."""
    folder.mkdir()
    if kind == "folder":
        return Folder(folder / "objects")
    aws = start_aws(children, folder)
    aws.s3().create_bucket(Bucket=BUCKET)
    return Bucket(aws.s3(), aws.environment() | {"AWS_DEFAULT_REGION": "us-east-1"})
