"""Where the copies of a backup go: the `[[copy]]` entries, and the setting COPIES."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from supakeep.domain.copies import MIRROR, PRIMARY
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.this_machine import is_this_machine
from supakeep.errors import ConfigurationError

VARIABLE_PREFIX = "COPY_"
"""With this begin the names of the variables that hold credentials of copies, and no others."""

_OF_S3 = ("endpoint", "region", "access_key_id", "secret_access_key", "role_arn")
_OF_GCS = ("credentials",)


def _secret_name(text: str) -> str:
    # the text may be the secret itself, so the message does not show it
    if not text.startswith(VARIABLE_PREFIX) or not text.replace("_", "").isalnum():
        raise ValueError(
            f"must be the name of a variable that begins with {VARIABLE_PREFIX}, such as "
            f"{VARIABLE_PREFIX}R2_KEY, and never the credential itself"
        )
    return text


SecretName = Annotated[str, AfterValidator(_secret_name)]


@dataclass(frozen=True)
class Place:
    """What a place such as `s3://bucket/prefix` means; `root` is the bucket, or a folder's path."""

    kind: Literal["s3", "gs", "folder"]
    root: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Anything that does not begin with `s3://` or `gs://` is a folder."""
        kind, separator, rest = text.partition("://")
        if not separator or kind not in ("s3", "gs"):
            return cls("folder", text)
        bucket, _, prefix = rest.partition("/")
        return cls("s3" if kind == "s3" else "gs", bucket, prefix.strip("/"))


class CopyPolicy(BaseModel):
    """A `[[copy]]` entry: a store that holds a copy of each backup, and how long it keeps them.

    Credentials are the names of variables, or of keys of the secret. `retention` is None where the
    policy's own rules hold. The mirror is not given a `url`: MIRROR_S3_BUCKET says where it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    url: str | None = Field(default=None, min_length=1)
    endpoint: str | None = None
    region: str | None = None
    access_key_id: SecretName | None = None
    secret_access_key: SecretName | None = None
    role_arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")
    credentials: SecretName | None = None
    retention: RetentionPolicy | None = None

    @model_validator(mode="before")
    @classmethod
    def _collect_retention(cls, fields: Any) -> Any:
        """The keys `keep_…` of an entry are its retention."""
        if not isinstance(fields, dict):
            return fields
        rules = {key: value for key, value in fields.items() if key.startswith("keep_")}
        if not rules:
            return fields
        return {**{k: v for k, v in fields.items() if k not in rules}, "retention": rules}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.name in (PRIMARY, "latest"):
            raise ValueError(f"the name {self.name} means something else")
        if (self.name == MIRROR) != (self.url is None):
            raise ValueError(
                "MIRROR_S3_BUCKET says where the mirror is, so only its keep_… can be set here"
                if self.name == MIRROR
                else "url is missing"
            )
        self._check_keys()
        return self

    def _check_keys(self) -> None:
        kind = self.place.kind if self.url is not None else None
        for keys, of_kind, what in ((_OF_S3, "s3", "s3://"), (_OF_GCS, "gs", "gs://")):
            given = [key for key in keys if getattr(self, key) is not None]
            if given and kind != of_kind:
                raise ValueError(f"{given[0]} is only for a url that begins with {what}")
        if kind in ("s3", "gs") and not self.place.root:
            raise ValueError("url has no bucket")
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together")
        if self.endpoint is not None:
            _check_endpoint(self.endpoint)

    @property
    def place(self) -> Place:
        return Place.parse(self.url or "")

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The variables that must hold its credentials."""
        names = (self.access_key_id, self.secret_access_key, self.credentials)
        return tuple(name for name in names if name is not None)


def _check_endpoint(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("endpoint must be an address such as https://s3.example.com")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("endpoint must begin with https://, or rows would travel in plain text")


def require_different_names(copies: Sequence[CopyPolicy]) -> None:
    """Raises ValueError where two copies have one name."""
    names = [copy.name for copy in copies]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"copy {twice[0]} has two [[copy]] entries")


def parse_copies(text: str) -> tuple[CopyPolicy, ...]:
    """The setting COPIES: a JSON list of objects with the keys of `[[copy]]`, or places separated by
    commas or lines, each as `place` or `name=place`. Without a name, a copy is called as its bucket.
    A JSON list may also follow lines of places.

    Raises ConfigurationError.
    """
    try:
        places, bracket, rest = text.partition("[")
        entries = [*_listed(places), *json.loads(bracket + rest or "[]")]
        copies = TypeAdapter(tuple[CopyPolicy, ...]).validate_python(entries, strict=False)
        require_different_names(copies)
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(p + 1) if isinstance(p, int) else str(p) for p in problem["loc"])
        raise _wrong_copies(f"{where}: {problem['msg'].removeprefix('Value error, ')}") from None
    except ValueError as exc:
        raise _wrong_copies(str(exc)) from None
    return copies


def _listed(text: str) -> list[dict[str, str]]:
    return [_entry(part.strip()) for part in re.split(r"[,\n]", text) if part.strip()]


def _entry(text: str) -> dict[str, str]:
    name, separator, place = text.partition("=")
    if not separator:
        name, place = Place.parse(text).root, text
    return {"name": name, "url": place}


def _wrong_copies(problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"COPIES: {problem}",
        operation="read settings",
        key="COPIES",
        hint="Write places, such as offsite=s3://bucket/prefix, with commas between them, or a JSON "
        "list of objects (docs/copies.md).",
    )
