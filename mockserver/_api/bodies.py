"""The bodies of submits: how they are read, and how much of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request

from mockserver._api.refusals import Refusal
from mockserver._world.tasks import TASKS

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

_INTEGER: Final = re.compile("[0-9]{1,9}")


async def read_params(
    scope: Scope, receive: Receive, task: str, max_bytes: int
) -> dict[str, object]:
    """Read the parameters of a submit: a JSON object, or for `inpaint` also a form with a file.

    Args:
        scope: The request.
        receive: Gives its body.
        task: What is submitted.
        max_bytes: The longest body that is taken.

    Raises:
        Refusal: The body is neither, or longer.
        ClientDisconnect: The client left before the body's end.
        HTTPException: The form is broken.
    """
    request = Request(scope, _bounded(scope, receive, max_bytes))
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if TASKS[task].params.takes_file and media_type == "multipart/form-data":
        return await _read_form(request)
    # Whoever doesn't say what it sends is taken to send JSON, as everybody does.
    if media_type not in {"", "application/json"}:
        raise Refusal(415, f"the body must be application/json, not {media_type}")
    try:
        params: object = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body is not JSON: {error}") from error
    if not isinstance(params, dict):
        raise Refusal(400, "the body must be a JSON object")
    return params


def _bounded(scope: Scope, receive: Receive, max_bytes: int) -> Receive:
    """The body of a request, up to so many bytes."""
    too_large = f"the body must be at most {max_bytes} bytes"
    announced = Headers(scope=scope).get("content-length", "")
    received = 0

    async def bounded() -> Message:
        nonlocal received
        # Who announces too much is told before it has sent it.
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > max_bytes):
            raise Refusal(413, too_large)
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise Refusal(413, too_large)
        return message

    return bounded


async def _read_form(request: Request) -> dict[str, object]:
    params: dict[str, object] = {}
    async with request.form() as form:
        for name, value in form.items():
            if isinstance(value, UploadFile):
                params[name] = await value.read()
            elif name == "imageNo" and _INTEGER.fullmatch(value):
                params[name] = int(value)  # A form has only texts.
            elif name == "mask":
                params[name] = value.encode()  # A file that was sent without a name.
            else:
                params[name] = value
    return params
