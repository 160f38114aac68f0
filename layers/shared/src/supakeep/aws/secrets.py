"""Settings that are secret, from one Secrets Manager secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from supakeep.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def read_secret(client: SecretsManagerClient, secret_id: str) -> dict[str, str]:
    """The secret's JSON fields. No error says what the secret holds."""
    try:
        text = client.get_secret_value(SecretId=secret_id)["SecretString"]
    except (ClientError, BotoCoreError) as exc:
        raise _unusable(secret_id, "could not be read") from exc
    try:
        fields = json.loads(text)
    except ValueError:
        # not chained: the parser's error quotes the secret
        raise _unusable(secret_id, "is not JSON") from None
    if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
        raise _unusable(secret_id, "is not a JSON object of texts")
    return fields


def _unusable(secret_id: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The secret {secret_id} {why}",
        operation="read settings",
        key="SECRET_ID",
        hint='It holds one JSON object: {"SUPABASE_SERVICE_ROLE_KEY": "…", "ADMIN_KEY": "…", '
        '"CRON_SECRET": "…"}.',
    )
