from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from mypy_boto3_secretsmanager import SecretsManagerClient

from supakeep.aws.secrets import read_secret
from supakeep.errors import ConfigurationError
from supakeep.wiring import SupabaseProject
from tests.builders.keys import OURS, PAPER
from tests.contract.conftest import Servers

pytestmark = pytest.mark.integration

KEYS = {
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_in_the_secret",
    "ADMIN_KEY": "admin-in-the-secret",
    "CRON_SECRET": "cron-in-the-secret",
}


@pytest.fixture(scope="module")
def client(servers: Servers) -> Iterator[SecretsManagerClient]:
    client = servers.aws.secretsmanager()
    yield client
    client.close()


def a_secret(client: SecretsManagerClient, text: str) -> str:
    return client.create_secret(Name=uuid4().hex, SecretString=text)["ARN"]


def test_the_keys_come_from_one_secret(client: SecretsManagerClient) -> None:
    assert read_secret(client, a_secret(client, json.dumps(KEYS))) == KEYS


@pytest.mark.parametrize(
    "text", ["sb_secret_plain", '"sb_secret_text"', '["sb_secret_list"]', '{"ADMIN_KEY": {"sb_secret": 1}}']
)  # fmt: skip
def test_a_secret_of_another_shape_is_refused_without_telling_what_it_holds(
    client: SecretsManagerClient, text: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_secret(client, a_secret(client, text))

    error: BaseException | None = refused.value
    assert refused.value.key == "SECRET_ID"
    while error is not None:
        assert "sb_secret" not in f"{error} {vars(error)}"
        error = error.__cause__


def test_a_secret_of_bytes_is_refused(client: SecretsManagerClient) -> None:
    secret = client.create_secret(Name=uuid4().hex, SecretBinary=b"sb_secret_bytes")["ARN"]

    with pytest.raises(ConfigurationError, match="holds bytes and no text") as refused:
        read_secret(client, secret)

    assert "put-secret-value" in str(refused.value.hint)


def test_a_secret_that_does_not_exist_is_reported_by_its_setting(
    client: SecretsManagerClient,
) -> None:
    with pytest.raises(ConfigurationError, match="The secret no-such-secret does not exist"):
        read_secret(client, "no-such-secret")


def test_a_secret_that_nobody_has_filled_in_is_reported_as_that(
    client: SecretsManagerClient,
) -> None:
    """As the template creates it."""
    empty = client.create_secret(Name=uuid4().hex)["ARN"]

    with pytest.raises(ConfigurationError, match="is still empty") as refused:
        read_secret(client, empty)

    assert refused.value.hint is not None
    assert "put-secret-value" in refused.value.hint


@pytest.fixture
def _aws(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**servers.aws.environment(), "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_aws")
@pytest.mark.parametrize(
    ("filled_in", "used"),
    [({}, "generated"), ({"ADMIN_KEY": ""}, "generated"), ({"ADMIN_KEY": "chosen"}, "chosen")],
)
def test_the_generated_admin_key_is_used_until_another_is_filled_in(
    client: SecretsManagerClient, filled_in: dict[str, str], used: str
) -> None:
    keys = {"SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x", **filled_in}
    project = SupabaseProject.from_environment(
        {
            "SUPABASE_URL": "https://abc.supabase.co",
            "SECRET_ID": a_secret(client, json.dumps(keys)),
            "ADMIN_KEY_SECRET_ID": a_secret(client, json.dumps({"ADMIN_KEY": "generated"})),
        }
    )

    assert project.settings.admin_key is not None
    assert project.settings.admin_key.get_secret_value() == used


@pytest.mark.usefixtures("_aws")
def test_the_secret_may_hold_the_identity_of_encrypted_backups(
    client: SecretsManagerClient,
) -> None:
    # line breaks are easily escaped twice where a file becomes a JSON string
    keys = {**KEYS, "AGE_IDENTITY": f"# of every day\\n{OURS.private}\n{PAPER.private}"}

    project = SupabaseProject.from_environment(
        {
            "SUPABASE_URL": "https://abc.supabase.co",
            "SECRET_ID": a_secret(client, json.dumps(keys)),
        }
    )

    assert project.identities().recipients == (OURS.public, PAPER.public)
    assert OURS.private not in f"{project.settings!r}"


@pytest.mark.usefixtures("_aws")
def test_the_keys_in_the_secret_take_the_place_of_the_environments(
    client: SecretsManagerClient,
) -> None:
    app = SupabaseProject.from_environment(
        {
            "SUPABASE_URL": "https://abc.supabase.co",
            "SUPABASE_SERVICE_ROLE_KEY": "from-the-environment",
            "SECRET_ID": a_secret(client, json.dumps({**KEYS, "SUPABASE_URL": "https://evil"})),
        }
    )

    settings = app.settings
    assert settings.service_role_key is not None
    assert settings.service_role_key.get_secret_value() == "sb_secret_in_the_secret"
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == "admin-in-the-secret"
    # nothing but keys is taken from there
    assert settings.supabase_url == "https://abc.supabase.co"
