"""Reading the bodies of submits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request

from mockserver._api.refusals import Refusal

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

    from mockserver._world.tasks import TaskType

_INTEGER: Final = re.compile("[0-9]{1,9}")


async def read_params(
    scope: Scope, receive: Receive, task: TaskType, max_bytes: int
) -> dict[str, object]:
    """Read the parameters of a submit: a JSON object, or for some tasks a form with a file.

    Raises:
        Refusal: The body is malformed, of another media type, or too long.
        ClientDisconnect: The client left before the body's end.
        HTTPException: The form is malformed.
    """
    request = Request(scope, bounded(scope, receive, max_bytes))
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if task.params.takes_file and media_type == "multipart/form-data":
        return await _read_form(request)
    # Without a media type the body should be JSON.
    if media_type not in {"", "application/json"}:
        raise Refusal(415, f"the body must be application/json, not {media_type}")
    params = decoded(await request.body())
    if not isinstance(params, dict):
        raise Refusal(400, "the body must be a JSON object")
    return params


def decoded(body: bytes) -> object:
    """The value of a body of JSON.

    Raises:
        Refusal: It isn't JSON.
    """
    try:
        return msgspec.json.decode(body)
    # The second comes from text that isn't UTF-8, the third from data that is nested too deeply.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body is not JSON: {error}") from error


def bounded(scope: Scope, receive: Receive, max_bytes: int) -> Receive:
    """A `receive` that raises a `Refusal` of a body longer than `max_bytes`."""
    too_large = f"the body must be at most {max_bytes} bytes"
    announced = Headers(scope=scope).get("content-length", "")
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        # A length that is too large is refused before the body is sent.
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > max_bytes):
            raise Refusal(413, too_large)
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise Refusal(413, too_large)
        return message

    return receive_some


async def _read_form(request: Request) -> dict[str, object]:
    params: dict[str, object] = {}
    async with request.form() as form:
        for name, value in form.items():
            if isinstance(value, UploadFile):
                params[name] = await value.read()
            elif name == "imageNo" and _INTEGER.fullmatch(value):
                params[name] = int(value)  # The values of a form are texts.
            elif name == "mask":
                params[name] = value.encode()  # A file without a file name.
            else:
                params[name] = value
    return params
