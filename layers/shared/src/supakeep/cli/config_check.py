"""`supakeep config check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from supakeep.cli.command import FAILED, GOOD
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.policy_problems import ConfigurationProblem, policy_problems
from supakeep.errors import ConfigurationError, SupakeepError
from supakeep.settings import read_policy_text
from supakeep.settings.problems import environment_problems
from supakeep.settings.signing import KEY as SIGNING_KEY
from supakeep.wiring import with_secrets

_ENVIRONMENT = "environment"


def run(session: Session) -> int:
    """Reads the file and the environment, and asks no server but AWS for the secret it is to use."""
    problems = [*_of_file(session), *_of_environment(session)]
    _print(session.terminal, session.policy_file, problems)
    return FAILED if problems else GOOD


def _of_file(session: Session) -> list[ConfigurationProblem]:
    file = session.policy_file
    if file is None:
        return []
    try:
        text = read_policy_text(Path(file))
    except ConfigurationError as exc:
        return [_problem(exc, file)]
    return policy_problems(text, file)


def _of_environment(session: Session) -> list[ConfigurationProblem]:
    try:
        values = with_secrets(session.environment)
    except SupakeepError as exc:
        # without the secret it is not known what is missing
        return [_problem(exc, _ENVIRONMENT)]
    found = [_problem(problem, _ENVIRONMENT) for problem in environment_problems(values)]
    return [*found, *_hash_without_key(session.policy_file, values)]


def _hash_without_key(
    file: str | None, values: Mapping[str, str]
) -> Iterator[ConfigurationProblem]:
    """A problem where the file hashes columns, and the environment has no key to do so."""
    if file is None or values.get(SIGNING_KEY, "").strip():
        return
    try:
        policy = BackupPolicy.parse(read_policy_text(Path(file)))
    except ConfigurationError:
        return  # what is wrong with the file is said already
    for entry in policy.table:
        if entry.hashed:
            yield ConfigurationProblem(
                file=file,
                line=None,
                message=f"{entry.hashed[0]} of {entry.qualified_name} is to be hashed, and there is no {SIGNING_KEY}",
                fix=f"Set {SIGNING_KEY} (`openssl rand -hex 32` makes one), or mask the column with null.",
            )
            return


def _problem(error: SupakeepError, file: str) -> ConfigurationProblem:
    fix = error.hint or "docs/configuration.md lists the settings with their limits."
    return ConfigurationProblem(file=file, line=None, message=error.message, fix=fix)


def _print(
    terminal: Terminal, policy_file: str | None, problems: list[ConfigurationProblem]
) -> None:
    if terminal.as_json:
        terminal.json({"problems": [problem.model_dump() for problem in problems]})
        return
    for problem in problems:
        place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        terminal.line(f"{place}: {problem.message}", "red")
        terminal.line(f"  fix: {problem.fix}")
    read = policy_file or "no supakeep.toml (every table of public is backed up)"
    if problems:
        number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        terminal.line(f"{number} found in the environment and {read}")
    else:
        terminal.line(f"No problem found in the environment and {read}")
