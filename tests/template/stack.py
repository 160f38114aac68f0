"""What CloudFormation would create from the template for given parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "supakeep",
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE = object()
_PLACEHOLDER = re.compile(r"\$\{([^}!]+)\}")


@dataclass(frozen=True)
class Stack:
    """The transformed template with its parameters filled in and its intrinsic functions resolved.

    A resource's `Ref` is its logical id, `GetAtt` is `<logical id>.<attribute>`.
    """

    template: dict[str, Any]
    parameters: dict[str, str]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources whose condition holds, by logical id."""
        return {
            name: self._resolve(resource)
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self._condition(resource["Condition"])
        }

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            name: self._resolve(output["Value"])
            for name, output in self.template["Outputs"].items()
            if "Condition" not in output or self._condition(output["Condition"])
        }

    def properties(self, logical_id: str) -> dict[str, Any]:
        properties: dict[str, Any] = self.resources[logical_id]["Properties"]
        return properties

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of that type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def resolved(self, value: Any) -> Any:
        """What a part of the template comes to, such as the assertion of a rule."""
        return self._resolve(value)

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            resolved = [self._resolve(item) for item in value]
            return [item for item in resolved if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in self._functions:
                return self._functions[name](argument)
        items = {key: self._resolve(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _NO_VALUE}

    @property
    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": ".".join,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
            "Fn::Join": lambda pair: pair[0].join(self._resolve(pair[1])),
            "Fn::Split": lambda pair: self._resolve(pair[1]).split(pair[0]),
            "Fn::Equals": lambda pair: self._resolve(pair[0]) == self._resolve(pair[1]),
            "Fn::Not": lambda one: not self._resolve(one[0]),
            "Fn::And": lambda many: all(self._resolve(many)),
            "Fn::Or": lambda many: any(self._resolve(many)),
            "Condition": self._condition_or_block,
        }

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        return (PSEUDO_PARAMETERS | self.parameters).get(name, name)

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self._resolve(then if self._condition(condition) else otherwise)

    def _sub(self, argument: Any) -> str:
        text, names = argument if isinstance(argument, list) else (argument, {})
        local = self._resolve(names)
        return _PLACEHOLDER.sub(lambda match: str(local.get(match[1], self._ref(match[1]))), text)

    def _condition(self, name: str) -> bool:
        return bool(self._resolve(self.template["Conditions"][name]))

    def _condition_or_block(self, argument: Any) -> Any:
        """`Condition` names a condition in Conditions, and a block of conditions in a policy."""
        if isinstance(argument, str):
            return self._condition(argument)
        return {"Condition": self._resolve(argument)}
