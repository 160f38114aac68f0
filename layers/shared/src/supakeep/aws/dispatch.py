"""What the Lambda service gives: later invocations, and the time that is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from supakeep.aws_credentials import refused_credentials
from supakeep.errors import (
    ConfigurationError,
    DeadlineExceededError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# enough to end a volume's upload, to write down how far the run came, and to give the lease back
_RESERVE_MILLISECONDS = 20_000


class LambdaDispatcher:
    """Invokes functions asynchronously. `functions` names the function of each action."""

    def __init__(self, client: LambdaClient, functions: Mapping[str, str | None]) -> None:
        self._client = client
        self._functions = functions

    def dispatch(self, action: str, payload: dict[str, Any]) -> None:
        function = self._functions.get(action)
        if not function:
            raise ConfigurationError(
                f"No function is configured to carry out a {action}",
                operation="dispatch",
                key=f"{action.upper()}_FUNCTION_NAME",
                hint="In AWS the template sets it; elsewhere, use the command line.",
            )
        try:
            self._client.invoke(
                FunctionName=function,
                InvocationType="Event",
                Payload=json.dumps({**payload, "action": action}).encode(),
            )
        except ClientError as exc:
            raise _not_started(function, exc.response["Error"]["Code"]) from exc
        except BotoCoreError as exc:
            raise _not_started(function, no_answer_of(exc).reason) from exc


def _not_started(function: str, why: str) -> StorageError:
    if (refused := refused_credentials(why)) is not None:
        return StoragePermissionError(
            f"The function {function} could not be started: {refused.reason}",
            operation="dispatch",
            key=function,
            hint=refused.hint,
        )
    return StorageUnavailableError(
        f"The function {function} could not be started: {why}",
        operation="dispatch",
        key=function,
        hint="Try again. If it stays like this, look whether the function exists, whether the role "
        "may invoke it (lambda:InvokeFunction), and at the account's limit of concurrent runs.",
    )


class LambdaDeadline:
    """Ends work while there is still time to end it in good order."""

    def __init__(self, remaining_milliseconds: Callable[[], int]) -> None:
        self._remaining_milliseconds = remaining_milliseconds

    def check(self) -> None:
        if self._remaining_milliseconds() < _RESERVE_MILLISECONDS:
            raise DeadlineExceededError(
                "The function's time ran out before the work was done",
                operation="check deadline",
                hint="Raise the function's Timeout or MemorySize, or select fewer rows.",
            )

    def seconds_left(self) -> float:
        return max(0, self._remaining_milliseconds() - _RESERVE_MILLISECONDS) / 1000
