"""Settings from the environment, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from supakeep.domain.backup_name import (
    hosted_project_ref,
    project_ref_from_db_url,
    project_ref_from_url,
    validated_project_ref,
)
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ConfigurationError

PACKAGED_POLICY = Path(__file__).with_name("supakeep.toml")
SECRET_NAMES = ("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL", "ADMIN_KEY", "CRON_SECRET")

MIB = 1024 * 1024

_KEY_NAMES = ("SUPABASE_SERVICE_ROLE_KEY", "ADMIN_KEY", "CRON_SECRET")
# what an HTTP header carries unchanged
_KEY = re.compile(r"[!-~]+")


class Settings(BaseModel):
    """Everything that an environment decides. `project_ref` is that of the project's address.

    With `db_url` the engine is `postgres`; `supabase_url` and its key may then be missing, and with
    them Storage.
    """

    model_config = ConfigDict(frozen=True)

    supabase_url: str | None = None
    project_ref: str
    service_role_key: SecretStr | None = None
    db_url: SecretStr | None = None
    db_connections: int = Field(default=2, ge=1, le=4)
    admin_key: SecretStr | None = None
    cron_secret: SecretStr | None = None
    backup_bucket: str = Field(default="backups", min_length=1)
    mirror_s3_bucket: str | None = None
    max_object_bytes: int = Field(default=45 * MIB, ge=1024, le=5 * 1024 * MIB)
    runs_table: str | None = None
    policy_file: Path = PACKAGED_POLICY
    function_name: str | None = None
    prune_function_name: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads the guide's names; empty counts as unset. Raises ConfigurationError."""
        values = {name: text.strip() for name, text in environment.items() if text.strip()}
        _check_keys(values)
        fields = {
            **_project(values),
            "db_url": values.get("SUPABASE_DB_URL"),
            "db_connections": values.get("DB_CONNECTIONS"),
            "admin_key": values.get("ADMIN_KEY"),
            "cron_secret": values.get("CRON_SECRET"),
            "backup_bucket": values.get("BACKUP_BUCKET"),
            "mirror_s3_bucket": values.get("MIRROR_S3_BUCKET"),
            "max_object_bytes": values.get("MAX_OBJECT_BYTES"),
            "runs_table": values.get("RUNS_TABLE"),
            "policy_file": values.get("SUPAKEEP_CONFIG"),
            "function_name": values.get("AWS_LAMBDA_FUNCTION_NAME"),
            "prune_function_name": values.get("PRUNE_FUNCTION_NAME"),
        }
        try:
            return cls.model_validate({k: v for k, v in fields.items() if v is not None})
        except ValidationError as exc:
            problem = exc.errors(include_url=False, include_input=False)[0]
            name = str(problem["loc"][0]).upper()
            raise ConfigurationError(
                f"{name}: {problem['msg']}", operation="read settings", key=name
            ) from None

    def policy(self) -> BackupPolicy:
        """What `supakeep.toml` says."""
        try:
            text = self.policy_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError(
                f"{self.policy_file} cannot be read: {type(exc).__name__}",
                operation="read configuration",
                key=str(self.policy_file),
                hint="Name an existing supakeep.toml (--config, SUPAKEEP_CONFIG).",
            ) from exc
        return BackupPolicy.parse(text, self.policy_file.name)


def _required(values: Mapping[str, str], *names: str) -> str:
    for name in names:
        if name in values:
            return values[name]
    raise ConfigurationError(
        f"{names[0]} is not set",
        operation="read settings",
        key=names[0],
        hint="docs/configuration.md lists the settings; in AWS the keys come from the secret.",
    )


def _check_keys(values: Mapping[str, str]) -> None:
    """Raises ConfigurationError, without the key, for one that no HTTP header can carry."""
    for name in _KEY_NAMES:
        if name in values and not _KEY.fullmatch(values[name]):
            raise ConfigurationError(
                f"{name} is no key: it holds a blank, a line break or a letter that is not ASCII",
                operation="read settings",
                key=name,
                hint="Copy it anew, on one line and with nothing around it; in AWS it is in the "
                "secret.",
            )


def _project(values: Mapping[str, str]) -> dict[str, str]:
    """The project's address, ref and key; with a database address alone, the ref."""
    given = values.get("SUPABASE_PROJECT_REF")
    url = values.get("NEXT_PUBLIC_SUPABASE_URL") or values.get("SUPABASE_URL")
    if url is None and "SUPABASE_DB_URL" in values:
        ref = (
            validated_project_ref(given)
            if given
            else project_ref_from_db_url(values["SUPABASE_DB_URL"])
        )
        return {"project_ref": ref}
    url = url or _required(values, "NEXT_PUBLIC_SUPABASE_URL")
    return {
        "supabase_url": url,
        "project_ref": _project_ref(url, given),
        "service_role_key": _required(values, "SUPABASE_SERVICE_ROLE_KEY"),
    }


def _project_ref(url: str, given: str | None) -> str:
    parts = urlsplit(url)
    if given is None:
        return project_ref_from_url(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return project_ref_from_url(url)
    ref = validated_project_ref(given)
    hosted = hosted_project_ref(url)
    if hosted is not None and hosted != ref:
        raise ConfigurationError(
            f"SUPABASE_PROJECT_REF is {ref}, and the Supabase URL belongs to project {hosted}",
            operation="read settings",
            key="SUPABASE_PROJECT_REF",
            hint="Leave SUPABASE_PROJECT_REF empty for a hosted project.",
        )
    return ref
