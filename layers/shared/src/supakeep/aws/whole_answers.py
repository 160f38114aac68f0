"""Takes no answer of AWS that was cut short, and none that somebody else gave."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, IncompleteReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel


_PAGE = (b"<html", b"<!doctype html")


class ForeignAnswerError(BotoCoreError):
    """A page for a browser, which no service of AWS answers with."""

    fmt = "The answer is a page for a browser, such as a proxy gives"


def take_only_whole_answers(client: Any) -> None:
    """Has the client raise IncompleteReadError, a BotoCoreError, where an answer is shorter than it says.

    By itself botocore compares the length of an object's content only. What is left of any other answer
    it reads as one without fields: a lost run record would look like one that never was. It does so, too,
    with the page that a proxy gives in place of an answer; this raises ForeignAnswerError.
    """
    # once, also for a client that is used again
    client.meta.events.register("before-parse", _require_whole, unique_id="supakeep-whole")


def _require_whole(
    operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object
) -> None:
    if operation_model.http.get("method") == "HEAD":
        return  # it says how long the object is, and has no content
    body, said = response_dict["body"], response_dict["headers"].get("content-length", "")
    if not isinstance(body, bytes):
        return  # an object's content
    is_page = body.lstrip().lower().startswith(_PAGE)
    if is_page and response_dict["status_code"] < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ForeignAnswerError  # one of a server that failed is repeated by its status
    if said.isdecimal() and len(body) < int(said):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(said))
