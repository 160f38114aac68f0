"""Clients of AWS's services, and of servers that speak as S3 does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from supakeep.errors import ConfigurationError
from supakeep.usecases.in_parallel import AT_ONCE


@dataclass(frozen=True)
class Timeouts:
    """How long one attempt to reach a service may take; `aws_attempts` are boto3's own."""

    connect_seconds: float
    storage_seconds: float
    mirror_seconds: float
    aws_seconds: float
    aws_attempts: int


# A run has minutes, and its heartbeat waits for the records' table.
FOR_WORK = Timeouts(
    connect_seconds=5,
    storage_seconds=120,
    mirror_seconds=30,
    # all of them within the time that a function keeps for its end (aws/dispatch.py)
    aws_seconds=5,
    aws_attempts=2,
)
# API Gateway answers for a function that has not after 30 s (api/request.py).
FOR_ANSWERS = Timeouts(
    connect_seconds=2,
    storage_seconds=5,
    mirror_seconds=5,
    aws_seconds=3,
    aws_attempts=2,
)


@dataclass(frozen=True)
class Access:
    """How a bucket is reached: without an `endpoint` it is AWS's own. Without a key, boto3 finds the
    credentials by itself; with `role_arn`, they assume that role.
    """

    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret_key: str | None = None
    role_arn: str | None = None


_AS_BOTO3_FINDS_IT = Access()
# it has to be in the signature, and most servers do not look at it
_ANY_REGION = "us-east-1"
# not every server knows a host for each bucket, and the checksums that S3 adds behind the content
_COMPATIBLE: dict[str, Any] = {
    "s3": {"addressing_style": "path"},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


def s3_client(
    timeouts: Timeouts, access: Access = _AS_BOTO3_FINDS_IT, region: str | None = None
) -> Any:
    """A client whose links name the bucket's host in its region. By itself boto3 signs links of the
    global host, which does not know a new bucket for hours, and in us-east-1 by the old signature.
    """
    region = region or access.region
    signing = {"signature_version": "s3v4", "max_pool_connections": AT_ONCE}
    if access.endpoint is not None:
        return aws_client("s3", timeouts, region or _ANY_REGION, access, **signing, **_COMPATIBLE)
    client = aws_client("s3", timeouts, region, access, **signing)
    if not is_awss_own(client.meta.endpoint_url):
        return client  # another server (AWS_ENDPOINT_URL) may have no host for each bucket
    hosts = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    return aws_client("s3", timeouts, region, access, **signing, s3=hosts)


def is_awss_own(url: str) -> bool:
    """Whether the address is that of one of AWS's services."""
    host = urlsplit(url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def aws_client(
    service: str,
    timeouts: Timeouts,
    region: str | None = None,
    access: Access = _AS_BOTO3_FINDS_IT,
    **config_values: Any,
) -> Any:
    """Raises ConfigurationError where AWS is not set up."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    from supakeep.aws.whole_answers import take_only_whole_answers

    config = Config(
        connect_timeout=timeouts.connect_seconds,
        read_timeout=timeouts.aws_seconds,
        retries={"mode": "standard", "total_max_attempts": timeouts.aws_attempts},
        **config_values,
    )
    try:
        client = _session(access).client(
            service,
            region_name=region,
            endpoint_url=access.endpoint,
            aws_access_key_id=access.key_id,
            aws_secret_access_key=access.secret_key,
            config=config,
        )
    except (BotoCoreError, ValueError) as exc:
        raise ConfigurationError(
            f"AWS is not set up: {exc}",
            operation="read settings",
            key=service,
            hint="Set AWS_REGION and credentials (AWS_PROFILE, or aws configure).",
        ) from exc
    take_only_whole_answers(client)
    return client


def _session(access: Access) -> Any:
    """What makes clients: boto3 itself, or a session of the role."""
    import boto3

    return cast(Any, boto3) if access.role_arn is None else _session_in_role(access.role_arn)


def _session_in_role(role_arn: str) -> Any:
    """A session with the role's credentials, which are renewed before they expire."""
    import boto3
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        DeferredRefreshableCredentials,
    )
    from botocore.session import get_session

    own, assuming = get_session(), get_session()
    fetcher = AssumeRoleCredentialFetcher(
        own.create_client, own.get_credentials(), role_arn, {"RoleSessionName": "supakeep"}
    )

    class Role(CredentialProvider):
        METHOD = "role of a copy"

        def load(self) -> DeferredRefreshableCredentials:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    assuming.get_component("credential_provider").insert_before("env", Role())
    return cast(Any, boto3).Session(botocore_session=assuming)
