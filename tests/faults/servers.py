"""The real servers behind the proxy, in this process: Storage's stand-in, and moto's AWS."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from tests.fakes.storage_server import InMemoryStorageServer
from tests.faults.http_faults import Asked, Reply

MIRROR = "mirror"
_TABLE = {
    "TableName": "runs",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
}


@dataclass
class StorageService:
    """Supabase Storage. It lets in whoever has `key`."""

    key: str
    server: InMemoryStorageServer = field(default_factory=InMemoryStorageServer)

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("apikey") != self.key:
            said = {"statusCode": "403", "error": "Unauthorized", "message": "Invalid key"}
            return Reply(400, json.dumps(said).encode())
        request = httpx.Request(
            asked.method, f"http://storage{asked.path}", headers=asked.headers, content=asked.body
        )
        response = self.server.answer(request)
        return Reply(response.status_code, response.read(), dict(response.headers))


class MotoAws:
    """S3, DynamoDB and Secrets Manager."""

    @cached_property
    def _client(self) -> Client:
        return Client(DomainDispatcherApplication(create_backend_app))

    def answer(self, asked: Asked) -> Reply:
        headers = {name: value for name, value in asked.headers.items() if name != "host"}
        response = self._client.open(
            asked.path,
            method=asked.method,
            headers={**headers, "Host": "127.0.0.1"},
            data=asked.body,
        )
        return Reply(response.status_code, response.get_data(), dict(response.headers))

    def reset(self, secret: dict[str, str]) -> None:
        """Everything is gone, but an empty bucket, an empty table and the secret."""
        self._client.post("/moto-api/reset")
        self.make_bucket(MIRROR)
        self._json("DynamoDB_20120810.CreateTable", _TABLE)
        self.put_secret(secret)

    def put_secret(self, secret: dict[str, str]) -> None:
        named = {"Name": "supakeep", "SecretString": json.dumps(secret)}
        self._json("secretsmanager.CreateSecret", named)

    def replace_secret(self, secret: dict[str, str]) -> None:
        named = {"SecretId": "supakeep", "SecretString": json.dumps(secret)}
        self._json("secretsmanager.PutSecretValue", named)

    def make_bucket(self, bucket: str) -> None:
        self._backend.create_bucket(bucket, "us-east-1")

    def objects(self, bucket: str = MIRROR) -> dict[str, bytes]:
        """What the bucket holds."""
        return {key: found.value for key, found in self._keys(bucket).items()}

    def put(
        self, key: str, content: bytes, bucket: str = MIRROR, *, at: dt.datetime | None = None
    ) -> None:
        """Stores an object, which was last changed `at` that moment, or now."""
        self._backend.put_object(bucket, key, content)
        if at is not None:
            self._keys(bucket)[key].last_modified = at

    def delete(self, key: str, bucket: str = MIRROR) -> None:
        self._keys(bucket).pop(key)

    @property
    def _backend(self) -> Any:
        return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]

    def _keys(self, bucket: str) -> Any:
        return self._backend.buckets[bucket].keys

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The records of runs, as they are stored."""
        items = self._json("DynamoDB_20120810.Scan", {"TableName": "runs"})["Items"]
        return [json.loads(item["run"]["S"]) for item in items if "run" in item]

    def _json(self, target: str, content: dict[str, Any]) -> Any:
        service = "dynamodb" if target.startswith("DynamoDB") else "secretsmanager"
        headers = {
            **_signed_for(service),
            "x-amz-target": target,
            "content-type": "application/x-amz-json-1.1",
        }
        reply = self.answer(Asked(service, "POST", "/", headers, json.dumps(content).encode()))
        return json.loads(reply.body or b"{}")


@dataclass
class LambdaService:
    """Lambda's Invoke, which only notes what was handed over."""

    handed_over: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        self.handed_over.append(json.loads(asked.body))
        return Reply(202)


def _signed_for(service: str) -> dict[str, str]:
    """moto finds the service by the signature's scope, and checks no signature."""
    scope = f"Credential=local/20261122/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"}


Answer = Callable[[Asked], Reply]
