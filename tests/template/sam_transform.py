"""Prints, as JSON, the CloudFormation that SAM makes of the template on standard input.

Runs in SAM CLI's own virtual environment: the translator's pins contradict the project's.
"""

from __future__ import annotations

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template names none, and looking them up would ask AWS."""

    def load(self) -> dict[str, str]:
        return {}


def main() -> None:
    template = yaml_parse(sys.stdin.read())
    for resource in template["Resources"].values():
        # The translator takes packaged code only.
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = "s3://bucket/key"
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout)


if __name__ == "__main__":
    main()
