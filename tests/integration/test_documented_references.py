"""What the documents name exists, and what exists is documented: routes, options, settings, links."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer._click import Parameter
from typer.core import TyperGroup

from devstack import PROJECT
from devstack.aws.template import Template
from supakeep.api.contracts import RestoreBody
from supakeep.cli.application import build_application
from supakeep.cli.command import GOOD, Command
from supakeep.cli.commands import COMMANDS
from supakeep.domain.policy import BackupPolicy

pytestmark = pytest.mark.integration

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
# CONTRIBUTING.md explains what a new one of these would take.
TO_BE_ADDED = {"stores/azure.py", "usecases/pin_backup.py", "cli/pin.py"}
SETTINGS = PROJECT / "layers/shared/src/supakeep/settings"
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_supakeep_command_in_the_documents_is_one_that_exists() -> None:
    lines = [line for line in shell_lines() if line.split()[0] == "supakeep"]
    assert len(lines) > 20
    for line in lines:
        command = line.partition(" #")[0].partition(" |")[0].partition(" > ")[0]
        words = shlex.split(command.replace("$(", "").replace("<", "").replace(">", ""))
        assert parsed(words[1:]) == GOOD, line


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"`make ([a-z-]+)[^`]*`", document.read_text())
    }
    assert {"demo", "test"} <= named <= targets


def test_every_hook_and_workflow_calls_what_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    jobs = [
        job
        for file in (PROJECT / ".github/workflows").glob("*.yml")
        for job in yaml.safe_load(file.read_text())["jobs"].values()
    ]
    ran = {step["run"] for job in jobs for step in job["steps"] if "run" in step}
    called = {hook["entry"] for hook in hooks} | ran - {".ci/run"}
    assert ".ci/run" in ran
    assert {call.removeprefix("make ") for call in called} <= targets
    [matrix] = [job["strategy"]["matrix"]["python"] for job in jobs if "strategy" in job]
    assert matrix == ["3.11", "3.13"]


def test_every_route_is_documented_and_every_documented_path_is_routed() -> None:
    template = Template(PROJECT / "template.yaml", {"SupabaseUrl": "https://abc.supabase.co"})
    routed = {route.path for function in template.functions() for route in function.routes}
    reference = (PROJECT / "docs/api.md").read_text()
    named = set(
        re.findall(r"^\| `(?:GET|POST|GET, POST|PUT, DELETE) (/[^`]*)`", reference, re.MULTILINE)
    )
    assert named == routed


def test_every_field_of_a_restore_is_documented() -> None:
    chapter = (PROJECT / "docs/api.md").read_text().partition("## Restore\n")[2]
    named = re.findall(r"^\| `(\w+)` \|", chapter.partition("## Prune")[0], re.MULTILINE)
    assert sorted(named) == sorted(RestoreBody.model_fields)


def test_every_option_of_the_command_line_is_documented() -> None:
    reference = (PROJECT / "docs/cli.md").read_text()
    options = {
        option
        for command in COMMANDS
        for parameter in parameters_of(command)
        for option in parameter.opts
        if option.startswith("--")
    }
    assert "--confirm" in options
    assert {
        option for option in options if f"`{option}" not in reference.replace(" --", " `--")
    } == set()


def test_every_setting_is_documented() -> None:
    source = "".join(file.read_text() for file in SETTINGS.glob("*.py"))
    read = set(re.findall(r"""["']([A-Z]+_[A-Z0-9_]+)["']""", source))
    documented = (PROJECT / "docs/configuration.md").read_text()
    own = {name for name in read if not name.startswith("AWS_")}
    assert {"SUPABASE_DB_URL", "MAX_OBJECT_BYTES"} <= own
    assert {name for name in own if f"`{name}`" not in documented} == set()


def test_every_message_of_the_troubleshooting_page_is_one_that_the_code_says() -> None:
    """Each part of it, between `…` and colons, in one of the literals of the code."""
    page = (PROJECT / "docs/troubleshooting.md").read_text()
    cells = re.findall(r"^\| (`.*?) \| ", page, re.MULTILINE)
    quoted = [text for cell in cells for text in re.findall(r"`([^`]*…[^`]*|[^`]* [^`]*)`", cell)]
    assert len(quoted) > 40
    parts = {part.strip(' ;,.()"') for text in quoted for part in re.split("…|: ", text)}
    said = literals(PROJECT / "layers/shared/src/supakeep")
    assert {part for part in parts if part not in said} == set()


def test_every_metric_is_documented() -> None:
    source = (PROJECT / "layers/shared/src/supakeep/api/observability.py").read_text()
    documented = (PROJECT / "docs/monitoring.md").read_text()
    metrics = set(re.findall(r"add_metric\(\s*\"(\w+)\"", source))
    assert "NewestGoodBackupAge" in metrics
    assert {metric for metric in metrics if f"`{metric}`" not in documented} == set()


def test_every_template_parameter_is_documented_with_its_default() -> None:
    text = re.sub(r"![A-Za-z]+", "", (PROJECT / "template.yaml").read_text())
    parameters = yaml.safe_load(text)["Parameters"]
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \|", (PROJECT / "docs/configuration.md").read_text(), re.MULTILINE
    )
    documented = dict(rows)
    for name, parameter in parameters.items():
        default = str(parameter.get("Default", "required"))
        assert documented[name].strip("`") == (default or "empty"), name


def test_every_toml_example_is_a_valid_supakeep_toml() -> None:
    examples = [text for document in DOCUMENTS for text in blocks(document, "toml")]
    assert len(examples) > 3
    for example in examples:
        # an entry of a copy stands beside what is backed up
        beside = '[backup]\ntables = "*"\n' if example.startswith("[[copy]]") else ""
        BackupPolicy.parse(beside + example)


def test_every_link_between_the_documents_leads_somewhere() -> None:
    links = [
        (document, target)
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text())
        if "://" not in target
    ]
    assert len(links) > 50
    broken = [
        f"{document.name}: {target}" for document, target in links if dangles(document, target)
    ]
    assert broken == []


def test_every_decision_is_listed_under_its_number() -> None:
    listed = (PROJECT / "docs/architecture.md").read_text().partition("## Decisions")[2]
    files = sorted((PROJECT / "docs/adr").glob("*.md"))
    assert len(files) == len(re.findall(r"\(adr/", listed)) > 0
    for file in files:
        number = re.findall(r"^# (\d+)\. ", file.read_text(), re.MULTILINE)[0]
        assert re.search(rf"^{number}\. \[.*\]\(adr/{file.name}\)$", listed, re.MULTILINE), (
            file.name
        )


def test_every_file_that_a_guide_to_the_code_names_exists() -> None:
    roots = (PROJECT, PROJECT / "layers/shared/src/supakeep")
    text = "".join(
        (PROJECT / name).read_text() for name in ("CONTRIBUTING.md", "docs/architecture.md")
    )
    named = set(re.findall(r"`([\w./]+(?:\.py|\.sql|\.toml|/))`", text)) - TO_BE_ADDED
    assert len(named) > 20
    assert {path for path in named if not any((root / path).exists() for root in roots)} == set()


def test_the_readme_is_short_and_begins_with_the_two_commands_to_know() -> None:
    readme = (PROJECT / "README.md").read_text()
    commands = [
        line.split("#")[0].strip() for line in blocks(PROJECT / "README.md", "sh")[0].splitlines()
    ]
    assert commands == ["make demo", "make test"]
    assert len(readme.splitlines()) < 250


def dangles(document: Path, target: str) -> bool:
    """Whether a link leads to a file, or to a heading in one, that is not there."""
    path, _, anchor = target.partition("#")
    file = document.parent / path if path else document
    return not file.exists() or bool(anchor and anchor not in anchors(file))


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    text = FENCE.sub("", document.read_text())
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_group() -> TyperGroup:
    """The commands as typer knows them."""
    return build_application(COMMANDS, lambda *_: GOOD)


def parameters_of(command: Command) -> Sequence[Parameter]:
    """The arguments and options of a command, which is loaded."""
    words = command.name.split()
    group: Any = command_group()
    for word in words:
        group = group.commands[word]
    with group.make_context(words[-1], [], resilient_parsing=True) as context:
        parameters: Sequence[Parameter] = context.command.params
    return parameters


def parsed(words: list[str]) -> int:
    """The exit code of a command line whose commands do nothing.

    CommandLine itself would set up logging for the whole process.
    """
    idle = [dataclasses.replace(command, run=idle_run(command)) for command in COMMANDS]
    group = build_application(idle, lambda *_: GOOD)
    code: int = group.main(words, "supakeep", standalone_mode=False)
    return code


def idle_run(command: Command) -> Callable[..., int]:
    """Takes the command's arguments and does nothing."""

    @functools.wraps(command.load())
    def run(*_: object, **__: object) -> int:
        return GOOD

    return run


def blocks(document: Path, language: str) -> list[str]:
    """The texts of a document's fenced blocks in one language."""
    found = FENCE.finditer(document.read_text())
    return [match["text"] for match in found if match["language"] == language]


def literals(folder: Path) -> str:
    """The text of every string in the code below, joined; f-strings in the pieces between values."""
    trees = (ast.parse(file.read_text()) for file in folder.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return "\n".join(
        n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )


def shell_lines() -> list[str]:
    """The commands of every shell block, continuation lines joined."""
    texts = [
        text for document in DOCUMENTS for kind in ("sh", "bash") for text in blocks(document, kind)
    ]
    return [
        line for text in texts for line in text.replace("\\\n", " ").splitlines() if line.strip()
    ]


def test_the_list_of_make_targets_fits_a_terminal_of_80_columns() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert len(listed) > 10
    assert [line for line in listed if len(line) > 80] == []
