"""Settings that are secret, from one Secrets Manager secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from supakeep.aws_credentials import refused_credentials
from supakeep.errors import ConfigurationError
from supakeep.no_answer import no_answer_of

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_SHAPE = (
    'It holds one JSON object: {"SUPABASE_SERVICE_ROLE_KEY": "…", "ADMIN_KEY": "…", '
    '"CRON_SECRET": "…"}.'
)
_FILL_IN = f"Fill it in with `aws secretsmanager put-secret-value` (docs/deploy.md). {_SHAPE}"
_GRANT = (
    "Give the secret's full ARN, with the six characters at its end (ExistingSecretArn), and the "
    "ARN of its KMS key where that is your own (ExistingSecretKeyArn)."
)
_LATER = (
    "Try again later. If it stays like this, check the region (AWS_REGION), and whether the function "
    "reaches Secrets Manager."
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "DecryptionFailure"})


def read_secret(client: SecretsManagerClient, secret_id: str) -> dict[str, str]:
    """The secret's JSON fields. No error says what the secret holds.

    Raises ConfigurationError where it cannot be read, is empty, or holds anything else.
    """
    try:
        text = client.get_secret_value(SecretId=secret_id).get("SecretString")
    except ClientError as exc:
        raise _refused(exc, secret_id) from exc
    except BotoCoreError as exc:
        reason = no_answer_of(exc).reason
        raise _unusable(secret_id, f"could not be read: {reason}", _LATER) from exc
    if text is None:
        raise _unusable(secret_id, "holds bytes and no text", _FILL_IN)
    try:
        fields = json.loads(text)
    except ValueError:
        # not chained: the parser's error quotes the secret
        raise _unusable(secret_id, "is not JSON", _SHAPE) from None
    if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
        raise _unusable(secret_id, "is not a JSON object of texts", _SHAPE)
    return fields


def _refused(error: ClientError, secret_id: str) -> ConfigurationError:
    code = error.response["Error"]["Code"]
    if code in _DENIED:
        return _unusable(secret_id, "may not be read", _GRANT)
    if code == "ResourceNotFoundException":
        # AWS has one code for both
        return _unusable(secret_id, "does not exist, or is still empty", _FILL_IN)
    if (refused := refused_credentials(code)) is not None:
        return _unusable(secret_id, f"could not be read: {refused.reason}", refused.hint)
    return _unusable(secret_id, f"could not be read: {code}", _LATER)


def _unusable(secret_id: str, why: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        f"The secret {secret_id} {why}", operation="read settings", key="SECRET_ID", hint=hint
    )
