"""Takes no answer of AWS that was cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import IncompleteReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel


def take_only_whole_answers(client: Any) -> None:
    """Has the client raise IncompleteReadError, a BotoCoreError, where an answer is shorter than it says.

    By itself botocore compares the length of an object's content only. What is left of any other answer
    it reads as one without fields: a lost run record would look like one that never was.
    """
    client.meta.events.register("before-parse", _require_whole)


def _require_whole(
    operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object
) -> None:
    if operation_model.http.get("method") == "HEAD":
        return  # it says how long the object is, and has no content
    body, said = response_dict["body"], response_dict["headers"].get("content-length", "")
    if isinstance(body, bytes) and said.isdecimal() and len(body) < int(said):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(said))
