"""Which parameters each task takes, and what is wrong with those of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import attrs

from mockserver._api.fields import (
    Field,
    Integer,
    ListOf,
    Mask,
    MaskOrFile,
    Number,
    Object,
    OneOf,
    Points,
    Schema,
    Text,
    Url,
    nullable,
)
from mockserver._api.refusals import Refusal

Fields: TypeAlias = Mapping[str, Field]
"""Parameters by name."""

_PROMPT: Final = Text(1, 8192)
_IMAGE_URL: Final = Url(1024)
_CHOICE: Final = Integer(0, 3)
_SWITCH: Final = Integer(0, 1)
_REMIX: Final[Fields] = {"remixPrompt": _PROMPT}
_OF_JOB: Final[Fields] = {"jobId": Text(1, 256)}
_OF_IMAGE: Final[Fields] = {**_OF_JOB, "imageNo": _CHOICE}
_OF_VIDEO: Final[Fields] = {**_OF_JOB, "videoNo": _CHOICE}
_PLACE: Final[Fields] = {
    "canvas": Object({"width": Integer(), "height": Integer()}),
    "imgPos": Object({name: Integer() for name in ("width", "height", "x", "y")}),
}
_SIDE: Final = Integer(500, 4096)
_AREAS: Final = ListOf(Object({"width": _SIDE, "height": _SIDE, "points": Points()}), 1)
_MASK: Final = Mask(_AREAS, Url())
_PROMPTS: Final = ("text", "prompt", "remixPrompt")


def _with_callback(optional: Fields) -> Fields:
    return {**optional, "callback": Url()}


@attrs.frozen
class Params:
    """The parameters of one task.

    Attributes:
        required: Those that must be there, by name.
        optional: Those that may be there; every task also takes a `callback`.
        of_job: What it takes instead when a `jobId` is given; None for nothing else.
    """

    required: Fields
    optional: Fields = attrs.field(factory=dict, converter=_with_callback)
    of_job: Params | None = None

    def schema(self) -> Schema:
        """What is taken, as a JSON Schema."""
        if self.of_job is None:
            return self._schema()
        without_job = self._schema()
        without_job["properties"]["jobId"] = {"type": "null"}
        return {"anyOf": [without_job, self.of_job.schema()]}

    def _schema(self) -> Schema:
        required = {name: field.schema() for name, field in self.required.items()}
        optional = {name: nullable(field.schema()) for name, field in self.optional.items()}
        return {"type": "object", "properties": required | optional, "required": [*required]}


PARAMS: Final[Mapping[str, Params]] = {
    "diffusion": Params({"text": _PROMPT}),
    "variation": Params({**_OF_IMAGE, "type": _SWITCH}, _REMIX),
    "upscale": Params({**_OF_IMAGE, "type": _SWITCH}),
    "reroll": Params(_OF_JOB),
    "blend": Params({"imgUrls": ListOf(Url(), 2, 5), "aspect_ratio": OneOf(("2:3", "1:1", "3:2"))}),
    "describe": Params({"imgUrl": Url()}),
    "shorten": Params({"prompt": _PROMPT}),
    "pan": Params({**_OF_IMAGE, "direction": _CHOICE, "scale": Number(1.1, 3.0)}, _REMIX),
    "outpaint": Params({**_OF_IMAGE, "scale": Number(1.1, 2.0)}, _REMIX),
    "inpaint": Params({**_OF_IMAGE, "mask": MaskOrFile(_MASK)}, _REMIX),
    "remix": Params({**_OF_IMAGE, **_REMIX}, {"mode": _SWITCH}),
    "edit": Params({**_OF_IMAGE, **_PLACE, **_REMIX}, {"mask": _MASK}),
    "upload-paint": Params({"imgUrl": _IMAGE_URL, **_PLACE, **_REMIX, "mask": _MASK}),
    "retexture": Params({"imgUrl": _IMAGE_URL, **_REMIX}),
    "remove-background": Params({"imgUrl": _IMAGE_URL}),
    "enhance": Params(_OF_IMAGE),
    # A video is made from a prompt or from an image of a job.
    "video-diffusion": Params(
        {"prompt": _PROMPT},
        {"videoType": _SWITCH},
        of_job=Params(_OF_IMAGE, {"prompt": _PROMPT, "videoType": _SWITCH}),
    ),
    "extend-video": Params(_OF_VIDEO, {"prompt": _PROMPT}),
    "video-upscale": Params(_OF_VIDEO),
}
"""What each of the 19 tasks takes."""

FILE_TASK: Final = "inpaint"
"""The one task that is also taken as a form with a file."""


def form_schema() -> Schema:
    """What is taken as a form, as a JSON Schema."""
    schema = PARAMS[FILE_TASK].schema()
    # A form has no null: what isn't there is left out.
    schema["properties"] = {
        name: field.schema()
        for fields in (PARAMS[FILE_TASK].required, PARAMS[FILE_TASK].optional)
        for name, field in fields.items()
    } | {"mask": MaskOrFile.file_schema()}
    return schema


def validate(task: str, params: Mapping[str, object]) -> None:
    """Check the parameters of a submit.

    A parameter that is null counts as not given, and one that the task doesn't know is let pass.

    Raises:
        Refusal: With the first that is missing or wrong.
    """
    given = {name: value for name, value in params.items() if value is not None}
    spec = PARAMS[task]
    if spec.of_job is not None and "jobId" in given:
        spec = spec.of_job
    for name in spec.required:
        if name not in given:
            raise Refusal(400, f"{name} is required")
    for name, field in {**spec.required, **spec.optional}.items():
        if name in given and (problem := field.problem(given[name])):
            raise Refusal(problem.status_code, f"{name} {problem.words}")


def kept_of(task: str, params: Mapping[str, object]) -> dict[str, object]:
    """What is kept of the parameters of a submit: those that the task knows, without the files.

    A world may have a million jobs, so what nobody will look at has no place in it.
    """
    spec = PARAMS[task]
    known = {**spec.required, **spec.optional, **(spec.of_job.required if spec.of_job else {})}
    given = ((name, params.get(name)) for name in known)
    return {name: v for name, v in given if v is not None and not isinstance(v, bytes)}


def prompts_of(params: Mapping[str, object]) -> list[str]:
    """The prompts among the parameters of a submit."""
    return [value for name in _PROMPTS if isinstance(value := params.get(name), str)]
