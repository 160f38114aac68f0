"""What template.yaml declares, resolved for the local stack."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devstack import PROJECT
from devstack.aws.intrinsics import Resolver, load_yaml
from devstack.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RETRIES = 2

# Per type of resource the property that names it; one without it gets a name made from its id.
NAME_PROPERTIES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::Serverless::Function": "FunctionName",
}


@dataclass(frozen=True)
class Route:
    """One HTTP API route: method `ANY` takes all, `{name}` in the path one segment."""

    method: str
    path: str

    @property
    def key(self) -> str:
        """As API Gateway writes it: `ANY /api/admin/runs/{id}`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Schedule:
    """An EventBridge Scheduler schedule; `payload` is its Input, placeholders still in it."""

    name: str
    expression: str
    time_zone: str
    enabled: bool
    payload: str


@dataclass(frozen=True)
class Function:
    """A function with everything that running it takes; `failures_to` is the ARN of the queue that
    gets the asynchronous events that were given up, or empty.
    """

    logical_id: str
    name: str
    handler: str
    code_folder: Path
    layers: tuple[str, ...]
    timeout_seconds: int
    memory_mb: int
    retries: int
    failures_to: str
    environment: Mapping[str, str] = field(repr=False)
    routes: tuple[Route, ...] = ()
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True)
class Layer:
    """A layer built by `make build-<logical id>` in its folder."""

    logical_id: str
    folder: Path


class Template:
    """A SAM template.

    Args:
        path: the template; folders in it are relative to its own.
        parameters: values for its parameters, in place of their defaults.
        stack_name: what AWS::StackName gives.

    Raises:
        TemplateError: it cannot be read, or a parameter without a default is missing.
    """

    def __init__(
        self,
        path: Path = PROJECT / "template.yaml",
        parameters: Mapping[str, str] | None = None,
        stack_name: str = "supakeep",
    ) -> None:
        self.folder = path.parent
        self.stack_name = stack_name
        self._document = load_yaml(path)
        unknown = set(parameters or {}) - set(self._document.get("Parameters", {}))
        if unknown:
            raise TemplateError(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
        self._resolver = Resolver(self._document, parameters or {}, self.physical_name, stack_name)

    def physical_name(self, logical_id: str) -> str:
        """What a resource is called once it is made; the same every time."""
        resource = self._document["Resources"][logical_id]
        given = self._property(resource, NAME_PROPERTIES.get(resource["Type"], ""))
        if given:
            return str(given)
        suffix = hashlib.sha256(logical_id.encode()).hexdigest()[:8]
        return f"{self.stack_name}-{logical_id}-{suffix}".lower()

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resolved properties of the resources of a type, by physical name; only those whose
        condition holds.
        """
        return {
            self.physical_name(logical_id): self._resolver.resolve(resource.get("Properties", {}))
            for logical_id, resource in self._of_kind(kind)
        }

    def functions(self) -> list[Function]:
        """All functions, in the template's order."""
        return [self._function(*item) for item in self._of_kind("AWS::Serverless::Function")]

    def layers(self) -> list[Layer]:
        """All layers that are built from this project."""
        return [
            Layer(logical_id, self.folder / str(self._property(resource, "ContentUri")))
            for logical_id, resource in self._of_kind("AWS::Serverless::LayerVersion")
        ]

    def _of_kind(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (logical_id, resource)
            for logical_id, resource in self._document.get("Resources", {}).items()
            if resource["Type"] == kind
            and ("Condition" not in resource or self._resolver.condition(resource["Condition"]))
        ]

    def _property(self, resource: Mapping[str, Any], name: str) -> Any:
        value = self._resolver.resolve({name: resource.get("Properties", {}).get(name)})
        return value.get(name)

    def _function(self, logical_id: str, resource: Mapping[str, Any]) -> Function:
        defaults = self._document.get("Globals", {}).get("Function", {})
        own = resource["Properties"]
        variables = {
            **defaults.get("Environment", {}).get("Variables", {}),
            **own.get("Environment", {}).get("Variables", {}),
        }
        merged = self._resolver.resolve({**defaults, **own, "Environment": variables, "Events": {}})
        layers = [*defaults.get("Layers", []), *own.get("Layers", [])]
        asynchronous = merged.get("EventInvokeConfig", {})
        events = own.get("Events", {}).values()
        return Function(
            logical_id=logical_id,
            name=self.physical_name(logical_id),
            handler=merged["Handler"],
            code_folder=self.folder / merged["CodeUri"],
            layers=tuple(layer["Ref"] for layer in layers if isinstance(layer, dict)),
            timeout_seconds=int(merged.get("Timeout", 3)),
            memory_mb=int(merged.get("MemorySize", 128)),
            retries=int(asynchronous.get("MaximumRetryAttempts", DEFAULT_RETRIES)),
            failures_to=asynchronous.get("DestinationConfig", {})
            .get("OnFailure", {})
            .get("Destination", ""),
            environment={name: _text(value) for name, value in merged["Environment"].items()},
            routes=tuple(self._route(e) for e in events if e["Type"] == "HttpApi"),
            schedules=tuple(self._schedule(e) for e in events if e["Type"] == "ScheduleV2"),
        )

    def _route(self, event: Mapping[str, Any]) -> Route:
        return Route(
            str(self._property(event, "Method")).upper(), str(self._property(event, "Path"))
        )

    def _schedule(self, event: Mapping[str, Any]) -> Schedule:
        return Schedule(
            name=str(self._property(event, "Name")),
            expression=str(self._property(event, "ScheduleExpression")),
            time_zone=str(self._property(event, "ScheduleExpressionTimezone") or "UTC"),
            enabled=self._property(event, "State") != "DISABLED",
            payload=str(self._property(event, "Input") or "{}"),
        )


def _text(value: object) -> str:
    """A value as Lambda's environment holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
