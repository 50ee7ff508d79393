"""Which parameters each task takes, and what is wrong with those of a request.

Each task is a table of fields; each field has a check, a function that takes the value and says in
words what it must be, or None where it is that. The words are what the client reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import msgspec
from starlette.datastructures import UploadFile

if TYPE_CHECKING:
    from starlette.requests import Request

Check: TypeAlias = Callable[[object], str | None]

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_URL: Final = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


class InvalidRequestError(ValueError):
    """The parameters of a request aren't what the task takes; says which, and why."""


# Checks


def _text(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, str) and low <= len(value) <= high:
            return None
        return f"must be text of {low} to {high} characters"

    return check


def _url(longest: int = 8192) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, str) and len(value) <= longest and _URL.fullmatch(value):
            return None
        return f"must be an http or https URL of at most {longest} characters"

    return check


def _integer(low: int | None = None, high: int | None = None) -> Check:
    def check(value: object) -> str | None:
        # In Python, true is an integer; in JSON it isn't.
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and (low is None or value >= low)
            and (high is None or value <= high)
        ):
            return None
        return "must be an integer" if low is None else f"must be an integer from {low} to {high}"

    return check


def _number(low: float, high: float) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
            return None
        return f"must be a number from {low} to {high}"

    return check


def _one_of(*choices: str) -> Check:
    def check(value: object) -> str | None:
        return None if value in choices else f"must be one of {', '.join(choices)}"

    return check


def _list_of(item: Check, low: int, high: int | None = None) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, list) or len(value) < low:
            return f"must be a list of at least {low}"
        if high is not None and len(value) > high:
            return f"must be a list of at most {high}"
        for number, member in enumerate(value):
            if problem := item(member):
                return f"[{number}] {problem}"
        return None

    return check


def _object(**fields: Check) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, dict):
            return "must be an object"
        for name, field in fields.items():
            if name not in value:
                return f"{name} is required"
            if problem := field(value[name]):
                return f"{name} {problem}"
        return None

    return check


def _points(value: object) -> str | None:
    if problem := _list_of(_integer(), 6)(value):
        return problem
    assert isinstance(value, list)  # noqa: S101 - checked on the line above
    return "must be x and y by turns" if len(value) % 2 else None


_AREAS: Final = _list_of(
    _object(width=_integer(500, 4096), height=_integer(500, 4096), points=_points), 1
)


def _mask(value: object) -> str | None:
    if not isinstance(value, dict):
        return "must be an object with areas or a url"
    given = {name: part for name in ("areas", "url") if (part := value.get(name)) is not None}
    if not given:
        return "must have areas or a url"
    for name, check in (("areas", _AREAS), ("url", _url())):
        if name in given and (problem := check(given[name])):
            return f"{name} {problem}"
    return None


def _mask_or_file(value: object) -> str | None:
    if isinstance(value, bytes):
        return None if value.startswith(_PNG) else "must be a PNG file"
    return _mask(value)


# Tasks


@attrs.frozen
class _Params:
    """The parameters of one task."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check] = attrs.field(factory=dict)


_PROMPT: Final = _text(1, 8192)
_JOB_ID: Final = _text(1, 256)
_IMAGE_URL: Final = _url(1024)
_CHOICE: Final = _integer(0, 3)
_SWITCH: Final = _integer(0, 1)
_IMAGE: Final = {"jobId": _JOB_ID, "imageNo": _CHOICE}
_VIDEO: Final = {"jobId": _JOB_ID, "videoNo": _CHOICE}
_CANVAS: Final = {
    "canvas": _object(width=_integer(), height=_integer()),
    "imgPos": _object(width=_integer(), height=_integer(), x=_integer(), y=_integer()),
}
_REMIX: Final = {"remixPrompt": _PROMPT}

_TASKS: Final[Mapping[str, _Params]] = {
    "diffusion": _Params({"text": _PROMPT}),
    "variation": _Params({**_IMAGE, "type": _SWITCH}, _REMIX),
    "upscale": _Params({**_IMAGE, "type": _SWITCH}),
    "reroll": _Params({"jobId": _JOB_ID}),
    "blend": _Params(
        {"imgUrls": _list_of(_url(), 2, 5), "aspect_ratio": _one_of("2:3", "1:1", "3:2")}
    ),
    "describe": _Params({"imgUrl": _url()}),
    "shorten": _Params({"prompt": _PROMPT}),
    "pan": _Params({**_IMAGE, "direction": _CHOICE, "scale": _number(1.1, 3.0)}, _REMIX),
    "outpaint": _Params({**_IMAGE, "scale": _number(1.1, 2.0)}, _REMIX),
    "inpaint": _Params({**_IMAGE, "mask": _mask_or_file}, _REMIX),
    "remix": _Params({**_IMAGE, **_REMIX}, {"mode": _SWITCH}),
    "edit": _Params({**_IMAGE, **_CANVAS, **_REMIX}, {"mask": _mask}),
    "upload-paint": _Params({"imgUrl": _IMAGE_URL, **_CANVAS, **_REMIX, "mask": _mask}),
    "retexture": _Params({"imgUrl": _IMAGE_URL, **_REMIX}),
    "remove-background": _Params({"imgUrl": _IMAGE_URL}),
    "enhance": _Params(_IMAGE),
    "video-diffusion": _Params({"prompt": _PROMPT}, {"videoType": _SWITCH}),
    "extend-video": _Params(_VIDEO, {"prompt": _PROMPT}),
    "video-upscale": _Params(_VIDEO),
}
# A video is made from a prompt or from an image of a job.
_VIDEO_OF_IMAGE: Final = _Params(_IMAGE, {"prompt": _PROMPT, "videoType": _SWITCH})


def validate(task: str, params: Mapping[str, object]) -> None:
    """Check the parameters of a submit.

    A parameter that is null counts as not given, and one that the task doesn't know is let pass.

    Raises:
        InvalidRequestError: With the first that is missing or wrong.
    """
    given = {name: value for name, value in params.items() if value is not None}
    spec = _TASKS[task]
    if task == "video-diffusion" and "jobId" in given:
        spec = _VIDEO_OF_IMAGE
    for name in spec.required:
        if name not in given:
            raise InvalidRequestError(f"{name} is required")
    for name, check in {**spec.required, **spec.optional, "callback": _url()}.items():
        if name in given and (problem := check(given[name])):
            raise InvalidRequestError(f"{name} {problem}")


# Bodies


async def read_params(request: Request, task: str) -> dict[str, object]:
    """Read the parameters of a submit: a JSON object, or for `inpaint` also a form with a file.

    Raises:
        InvalidRequestError: The body is neither.
    """
    if task == "inpaint" and request.headers.get("content-type", "").startswith(
        "multipart/form-data"
    ):
        return await _read_form(request)
    try:
        params: object = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(params, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return params


async def _read_form(request: Request) -> dict[str, object]:
    params: dict[str, object] = {}
    async with request.form() as form:
        for name, value in form.items():
            if isinstance(value, UploadFile):
                params[name] = await value.read()
            elif name == "imageNo" and value.isdecimal():
                params[name] = int(value)  # A form has only texts.
            else:
                params[name] = value
    return params
