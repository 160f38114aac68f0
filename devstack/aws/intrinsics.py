"""The intrinsic functions of CloudFormation that template.yaml may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from devstack.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"
# The meaning of !Ref AWS::NoValue: the property or the list entry is left out.
NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, each read as its long form."""


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TemplateError(f"!{suffix} has a value of an unknown kind")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    return {name: value}


_Loader.add_multi_constructor("!", _construct)


def load_yaml(path: Path) -> dict[str, Any]:
    """Reads a template; `!Sub x` becomes `{"Fn::Sub": "x"}`."""
    with path.open(encoding="utf-8") as file:
        document: dict[str, Any] = yaml.load(file, _Loader)  # noqa: S506 - a SafeLoader with tags
    return document


class Resolver:
    """Replaces intrinsic functions with their values.

    Args:
        document: the template as loaded.
        parameters: values that replace the parameters' defaults.
        names: per logical id what !Ref gives; other resources are called by their logical id.
        stack_name: AWS::StackName.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, str],
        names: Callable[[str], str],
        stack_name: str,
    ) -> None:
        self._document = document
        self._parameters = parameters
        self._names = names
        self._pseudo: dict[str, Any] = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack_name}/local",
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self.reference,
            "Condition": self.condition,
            "Fn::And": lambda parts: all(map(self.resolve, parts)),
            "Fn::Equals": lambda pair: self.resolve(pair[0]) == self.resolve(pair[1]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": lambda pair: self.attribute(*pair),
            "Fn::If": self._if,
            "Fn::Join": lambda pair: self.resolve(pair[0]).join(self.resolve(pair[1])),
            "Fn::Not": lambda parts: not self.resolve(parts[0]),
            "Fn::Or": lambda parts: any(map(self.resolve, parts)),
            "Fn::Select": lambda pair: self.resolve(pair[1])[int(self.resolve(pair[0]))],
            "Fn::Split": lambda pair: self.resolve(pair[1]).split(self.resolve(pair[0])),
            "Fn::Sub": self._sub,
        }

    def resolve(self, value: Any) -> Any:
        """A value with all its intrinsic functions replaced.

        Raises:
            TemplateError: a function, parameter, condition or resource is unknown.
        """
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions and not (name == "Condition" and isinstance(argument, dict)):
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                raise TemplateError(f"the local stack does not know {name}")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def reference(self, name: str) -> Any:
        """What !Ref gives for a parameter, pseudo parameter or resource."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._document.get("Parameters", {}):
            return self.parameter(name)
        if name in self._document.get("Resources", {}):
            return self._names(name)
        raise TemplateError(f"!Ref {name}: there is no such parameter or resource")

    def parameter(self, name: str) -> str:
        """A parameter's value as text."""
        value = self._parameters.get(name, self._document["Parameters"][name].get("Default"))
        if value is None:
            raise TemplateError(f"the parameter {name} has no default; give it a value")
        return str(value)

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        try:
            definition = self._document["Conditions"][name]
        except KeyError:
            raise TemplateError(f"there is no condition {name}") from None
        return bool(self.resolve(definition))

    def attribute(self, name: str, attribute: str) -> str:
        """What !GetAtt gives: ARNs by the resource's type, a telling placeholder for the rest."""
        kind = self._document.get("Resources", {}).get(name, {}).get("Type")
        if kind is None:
            raise TemplateError(f"!GetAtt {name}.{attribute}: there is no such resource")
        if attribute != "Arn":
            return f"{name}.{attribute}"
        called = self._names(name)
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{called}"
        shape = {
            "AWS::DynamoDB::Table": "dynamodb:{at}:table/{name}",
            "AWS::IAM::Role": "iam::{account}:role/{name}",
            "AWS::Logs::LogGroup": "logs:{at}:log-group:{name}:*",
            "AWS::SQS::Queue": "sqs:{at}:{name}",
            "AWS::Serverless::Function": "lambda:{at}:function:{name}",
        }.get(kind, "{kind}:{at}:{name}")
        at = f"{REGION}:{ACCOUNT}"
        return f"arn:aws:{shape.format(at=at, account=ACCOUNT, name=called, kind=kind)}"

    def _if(self, argument: list[Any]) -> Any:
        name, then, otherwise = argument
        return self.resolve(then if self.condition(name) else otherwise)

    def _find_in_map(self, keys: list[Any]) -> Any:
        first, second, third = map(self.resolve, keys)
        return self.resolve(self._document["Mappings"][first][second][third])

    def _sub(self, argument: str | list[Any]) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in local:
                return str(self.resolve(local[name]))
            if "." in name:
                return self.attribute(*name.split(".", 1))
            return str(self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", replace, str(text))
