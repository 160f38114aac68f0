"""What the Lambda service gives: later invocations, and the time that is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from supakeep.errors import ConfigurationError, DeadlineExceededError, StorageUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# enough to end a volume's upload, to write down how far the run came, and to give the lease back
_RESERVE_MILLISECONDS = 20_000

Action = Literal["backup", "restore", "prune"]


class LambdaDispatcher:
    """Invokes functions asynchronously. `functions` names the function of each action."""

    def __init__(self, client: LambdaClient, functions: Mapping[Action, str | None]) -> None:
        self._client = client
        self._functions = functions

    def dispatch(self, action: Action, payload: dict[str, Any]) -> None:
        function = self._functions.get(action)
        if not function:
            raise ConfigurationError(
                f"This function does not know which function does a {action}",
                operation="dispatch",
                key=f"{action.upper()}_FUNCTION_NAME",
            )
        try:
            self._client.invoke(
                FunctionName=function,
                InvocationType="Event",
                Payload=json.dumps({**payload, "action": action}).encode(),
            )
        except (ClientError, BotoCoreError) as exc:
            raise StorageUnavailableError(
                f"{function} could not be started: {type(exc).__name__}",
                operation="dispatch",
                key=function,
            ) from exc


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
