"""The AWS services that the functions use: moto's server with the resources of template.yaml."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devstack.aws.intrinsics import REGION
from devstack.processes.children import essential_environment
from devstack.processes.ports import accepts_connections, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from devstack.aws.template import Template
    from devstack.processes.children import Child, Children

# moto accepts any credentials; these open nothing anywhere else.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


@dataclass(frozen=True)
class Aws:
    """A running moto server."""

    endpoint: str
    child: Child

    def environment(self) -> dict[str, str]:
        """The environment that makes boto3 talk to it and to nothing else."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def s3(self) -> S3Client:
        """A client for S3."""
        client: S3Client = self._client("s3")
        return client

    def dynamodb(self) -> DynamoDBClient:
        """A client for DynamoDB."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    def secretsmanager(self) -> SecretsManagerClient:
        """A client for Secrets Manager."""
        client: SecretsManagerClient = self._client("secretsmanager")
        return client

    def sqs(self) -> Any:
        """A client for SQS."""
        return self._client("sqs")

    def send(self, queue_arn: str, message: str) -> None:
        """Puts a message into a queue."""
        sqs = self.sqs()
        name = queue_arn.rpartition(":")[2]
        sqs.send_message(
            QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=message
        )

    def _client(self, service: str) -> Any:
        import boto3

        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        make: Any = session.client
        return make(service, endpoint_url=self.endpoint)


def start_aws(
    children: Children, folder: Path, *, host: str = "127.0.0.1", port: int | None = None
) -> Aws:
    """Starts moto's server in a separate process.

    Args:
        children: who stops it in the end.
        folder: its working folder.
        host: where to listen; only this machine can reach the default.
        port: without it a free one.
    """
    port = port or free_port()
    child = children.start(
        "aws",
        [sys.executable, Path(__file__).with_name("server.py"), host, str(port)],
        environment=essential_environment()
        | CREDENTIALS
        | {
            "AWS_DEFAULT_REGION": REGION,
            # otherwise it reads the name by which a container reaches this machine as a bucket's name
            "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
        },
        folder=folder,
    )
    wait_until(lambda: accepts_connections(port), child)
    return Aws(f"http://127.0.0.1:{port}", child)


def create_resources(aws: Aws, template: Template, keys: Mapping[str, str]) -> None:
    """Makes the template's buckets, tables, queues and secrets; each secret holds `keys` as JSON."""
    create_buckets(aws, template)
    create_tables(aws, template)
    for name in template.resources("AWS::SQS::Queue"):
        aws.sqs().create_queue(QueueName=name)
    for name in template.resources("AWS::SecretsManager::Secret"):
        aws.secretsmanager().create_secret(Name=name, SecretString=json.dumps(dict(keys)))


def create_buckets(aws: Aws, template: Template) -> None:
    """Makes the template's buckets, with object lock and versioning as declared."""
    s3 = aws.s3()
    for name, properties in template.resources("AWS::S3::Bucket").items():
        s3.create_bucket(
            Bucket=name, ObjectLockEnabledForBucket=bool(properties.get("ObjectLockEnabled"))
        )
        if versioning := properties.get("VersioningConfiguration"):
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)


def create_tables(aws: Aws, template: Template) -> None:
    """Makes the template's DynamoDB tables, with their indexes and TTL."""
    dynamodb = aws.dynamodb()
    taken = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    for name, properties in template.resources("AWS::DynamoDB::Table").items():
        definition: Any = {key: properties[key] for key in taken if key in properties}
        dynamodb.create_table(TableName=name, **definition)
        if expiry := properties.get("TimeToLiveSpecification"):
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
