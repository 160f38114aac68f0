"""Settings from the environment, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from supakeep.domain.assertions import Assertion
from supakeep.domain.copy_policy import VARIABLE_PREFIX, CopyPolicy, parse_copies
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schedule import Schedule
from supakeep.errors import ConfigurationError
from supakeep.settings.assertions import read_assertions
from supakeep.settings.database_address import DatabaseAddress
from supakeep.settings.encryption import (
    certificate_authority,
    check_encryption,
    plaintext_allowed,
)
from supakeep.settings.project import project_of
from supakeep.settings.signing import keyring_of
from supakeep.settings.text_files import why_unreadable

PACKAGED_POLICY = Path(__file__).parent.with_name("supakeep.toml")
SECRET_NAMES = (
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_DB_URL",
    "SUPABASE_DB_CA",
    "DRILL_DB_URL",
    "ADMIN_KEY",
    "CRON_SECRET",
    "AGE_IDENTITY",
    "SIGNING_KEY",
    "SIGNING_KEYS_OLD",
    "WEBHOOK_URL",
    "WEBHOOK_FORMAT",
    "WEBHOOK_SECRET",
    "WEBHOOK_ON",
    "PING_URL",
)

MIB = 1024 * 1024

KEY_NAMES = ("SUPABASE_SERVICE_ROLE_KEY", "ADMIN_KEY", "CRON_SECRET")
# what an HTTP header carries unchanged
_KEY = re.compile(r"[!-~]+")


class Settings(BaseModel):
    """Everything that an environment decides. `project_ref` is the one that all addresses agree on.

    With `db_url` the engine is `postgres`; `supabase_url` and its key may then be missing, and with
    them Storage. `db_place` is `<host>/<database>` where `db_url` does not show whose it is. `db_ca`
    is a PEM file's path or its text. With `db_plaintext` a remote database may be reached without
    TLS. The schedules are those of the stack, None where it is not known whether there are any.
    `copies` are those of COPIES, beside those of the policy, and `copy_credentials` what the variables
    hold that both may name. `region` is that of the AWS console which has the functions' logs, None outside AWS.
    """

    model_config = ConfigDict(frozen=True)

    supabase_url: str | None = None
    project_ref: str
    service_role_key: SecretStr | None = None
    db_url: SecretStr | None = None
    db_place: str | None = None
    db_ca: str | None = None
    db_plaintext: bool = False
    db_connections: int = Field(default=2, ge=1, le=4)
    admin_key: SecretStr | None = None
    cron_secret: SecretStr | None = None
    age_identity: SecretStr | None = None
    identity_file: str | None = None
    signing_key: SecretStr | None = None
    signing_keys_old: SecretStr | None = None
    backup_bucket: str = Field(default="backups", min_length=1)
    mirror_s3_bucket: str | None = None
    copies: tuple[CopyPolicy, ...] = ()
    copy_credentials: dict[str, SecretStr] = {}
    max_object_bytes: int = Field(default=45 * MIB, ge=1024, le=5 * 1024 * MIB)
    runs_table: str | None = None
    runs_folder: Path | None = None
    policy_file: Path = PACKAGED_POLICY
    region: str | None = None
    backup_schedule: str | None = None
    backup_schedule_state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    prune_schedule: str | None = None
    drill_schedule: str | None = None
    max_backup_age_hours: int = Field(default=26, ge=1, le=24 * 366)
    function_name: str | None = None
    prune_function_name: str | None = None
    drill_function_name: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads the variables by their names; an empty one counts as unset. Raises ConfigurationError."""
        values = {name: text.strip() for name, text in environment.items() if text.strip()}
        for name in KEY_NAMES:
            check_key(name, values)
        keyring_of(values)
        fields = {
            **_project_fields(values),
            **_plain_fields(values),
            **_copy_fields(values),
            "region": _region(values),
        }
        try:
            return cls.model_validate({k: v for k, v in fields.items() if v is not None})
        except ValidationError as exc:
            raise _invalid_values(exc)[0] from None

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The stack's schedules, as far as they are known."""
        enabled = self.backup_schedule_state == "ENABLED"
        backup = self.backup_schedule and Schedule("backup", self.backup_schedule, enabled)
        prune = self.prune_schedule and Schedule("prune", self.prune_schedule)
        expression = self.drill_schedule
        drill = expression and Schedule("drill", expression, enabled=expression != "never")
        return tuple(schedule for schedule in (backup, prune, drill) if schedule)

    @property
    def destination(self) -> str:
        """What a restore writes to, as it must be confirmed: the project's ref, or the database
        itself where its address does not show that it is the project's.
        """
        return self.db_place or self.project_ref

    def policy(self) -> BackupPolicy:
        """The content of `supakeep.toml`. Raises ConfigurationError."""
        text = read_policy_text(self.policy_file)
        return BackupPolicy.parse(text, self.policy_file.name)

    def assertions(self) -> tuple[Assertion, ...]:
        """What the file that the policy names, or `drills.sql` beside the policy's, asserts; none where
        there is no such file. Raises ConfigurationError.
        """
        return read_assertions(self.policy_file.with_name(self.policy().drill.assertions))


def read_policy_text(file: Path) -> str:
    """The text of a `supakeep.toml`. Raises ConfigurationError."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"{file} cannot be read: {why_unreadable(exc)}",
            operation="read configuration",
            key=str(file),
            hint="Name a supakeep.toml that exists, in UTF-8 (--config, SUPAKEEP_CONFIG).",
        ) from exc


def plain_problems(values: Mapping[str, str]) -> list[ConfigurationError]:
    """What is wrong with the variables that are checked one by one."""
    try:
        fields = {k: v for k, v in _plain_fields(values).items() if v is not None}
        Settings.model_validate({"project_ref": "any", **fields})
    except ValidationError as exc:
        return _invalid_values(exc)
    return []


def _invalid_values(exc: ValidationError) -> list[ConfigurationError]:
    errors = exc.errors(include_url=False, include_input=False)
    named = [
        (str(error["loc"][0]).upper(), error["msg"].replace("Input should be", "it must be"))
        for error in errors
    ]
    return [
        ConfigurationError(
            f"{name}: {message}",
            operation="read settings",
            key=name,
            hint="docs/configuration.md lists the settings with their limits.",
        )
        for name, message in named
    ]


def _plain_fields(values: Mapping[str, str]) -> dict[str, str | None]:
    """The fields that have a variable of their own."""
    names = {
        "admin_key": "ADMIN_KEY",
        "cron_secret": "CRON_SECRET",
        "age_identity": "AGE_IDENTITY",
        "identity_file": "SUPAKEEP_IDENTITY_FILE",
        "signing_key": "SIGNING_KEY",
        "signing_keys_old": "SIGNING_KEYS_OLD",
        "db_connections": "DB_CONNECTIONS",
        "backup_bucket": "BACKUP_BUCKET",
        "mirror_s3_bucket": "MIRROR_S3_BUCKET",
        "max_object_bytes": "MAX_OBJECT_BYTES",
        "runs_table": "RUNS_TABLE",
        "runs_folder": "RUNS_FOLDER",
        "policy_file": "SUPAKEEP_CONFIG",
        "backup_schedule": "BACKUP_SCHEDULE",
        "backup_schedule_state": "BACKUP_SCHEDULE_STATE",
        "prune_schedule": "PRUNE_SCHEDULE",
        "drill_schedule": "DRILL_SCHEDULE",
        "max_backup_age_hours": "MAX_BACKUP_AGE_HOURS",
        "function_name": "AWS_LAMBDA_FUNCTION_NAME",
        "prune_function_name": "PRUNE_FUNCTION_NAME",
        "drill_function_name": "DRILL_FUNCTION_NAME",
    }
    return {field: values.get(name) for field, name in names.items()}


def _copy_fields(values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "copies": parse_copies(values.get("COPIES", "")),
        "copy_credentials": {k: v for k, v in values.items() if k.startswith(VARIABLE_PREFIX)},
    }


def _region(values: Mapping[str, str]) -> str | None:
    """None where AWS's services, or Lambda itself, are stood in for on this machine."""
    is_local = values.get("AWS_ENDPOINT_URL") or values.get("AWS_SAM_LOCAL")
    return None if is_local else values.get("AWS_REGION")


def _project_fields(values: Mapping[str, str]) -> dict[str, Any]:
    """The fields that describe the project, checked against each other."""
    db_url = values.get("SUPABASE_DB_URL")
    address = DatabaseAddress.parse(db_url, values) if db_url else None
    project = project_of(values, address)
    plaintext = plaintext_allowed(values)
    if address is not None:
        check_encryption(address, plaintext_allowed=plaintext)
    return {
        "project_ref": project.ref,
        "supabase_url": project.url,
        "service_role_key": project.url and required_key(values),
        "db_url": db_url,
        "db_place": str(address) if address and address.project_ref is None else None,
        "db_ca": certificate_authority(values),
        "db_plaintext": plaintext,
    }


def required_key(values: Mapping[str, str]) -> str:
    """The project's secret key. Raises ConfigurationError."""
    name = "SUPABASE_SERVICE_ROLE_KEY"
    if name in values:
        return values[name]
    raise ConfigurationError(
        f"{name} is not set",
        operation="read settings",
        key=name,
        hint="Copy the secret key (sb_secret_…) from the dashboard, API keys; in AWS it is in the "
        "secret.",
    )


def check_key(name: str, values: Mapping[str, str]) -> None:
    """Raises ConfigurationError for a key that no HTTP header can carry. The error does not show it."""
    if name in values and not _KEY.fullmatch(values[name]):
        raise ConfigurationError(
            f"{name} is not a key: it contains a space, a line break or a character that is not ASCII",
            operation="read settings",
            key=name,
            hint="Copy it again, on one line and with nothing around it; in AWS it is in the secret.",
        )
