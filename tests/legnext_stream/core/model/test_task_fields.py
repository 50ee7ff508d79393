"""The ranges of a submit's fields, as the API documents them."""

from __future__ import annotations

from typing import Final

import pytest

from legnext_stream._core.model.task_fields import check_fields
from mockserver._api.refusals import Refusal
from mockserver._api.validation import validate
from mockserver._world.tasks import TASKS
from tests.mockserver.api.test_validation import ALSO_GOOD, BAD, GOOD

URL: Final = "https://example.org/a.png"
AREA: Final = {"width": 500, "height": 4096, "points": [0, 0, 10, 0, 10, 10]}


@pytest.mark.parametrize(("task", "changed"), [*((task, {}) for task in GOOD), *ALSO_GOOD])
def test_what_the_api_takes_passes(task: str, changed: dict[str, object]) -> None:
    """What the mock takes is not refused here, but for whole numbers written with a point."""
    fields = GOOD[task] | {
        name: int(value) if isinstance(value, float) and name == "imageNo" else value
        for name, value in changed.items()
    }
    check_fields(task, fields)


@pytest.mark.parametrize(("task", "changed", "message"), BAD)
def test_what_the_api_refuses_does_not_pass(
    task: str, changed: dict[str, object], message: str
) -> None:
    """What the mock refuses is refused here, but for fields that are missing."""
    fields = GOOD[task] | changed
    with pytest.raises(Refusal):
        validate(TASKS[task], fields)
    if "is required" in message:
        return
    with pytest.raises((ValueError, TypeError)):
        check_fields(task, fields)


@pytest.mark.parametrize(
    ("task", "field", "value", "message"),
    [
        ("diffusion", "text", "", "text must have 1 to 8,192 characters, and has 0"),
        ("diffusion", "text", "a" * 8193, "text must have 1 to 8,192 characters, and has 8,193"),
        ("diffusion", "text", b"a", "text must be text, not bytes"),
        ("diffusion", "callback", "ftp://x", "callback must be an http or https URL"),
        ("diffusion", "callback", "https://x/a b", "callback must be an http or https URL"),
        ("diffusion", "callback", 7, "callback must be a URL, not int"),
        ("upscale", "imageNo", 4, "imageNo must be from 0 to 3, not 4"),
        ("upscale", "imageNo", -1, "imageNo must be from 0 to 3, not -1"),
        ("upscale", "imageNo", True, "imageNo must be a whole number, not True"),
        ("upscale", "imageNo", "0", "imageNo must be a whole number, not '0'"),
        ("pan", "scale", 3.01, "scale must be from 1.1 to 3.0, not 3.01"),
        ("pan", "scale", float("nan"), "scale must be from 1.1 to 3.0, not nan"),
        ("pan", "scale", "2", "scale must be a number, not '2'"),
        ("outpaint", "scale", 2.5, "scale must be from 1.1 to 2.0, not 2.5"),
        ("blend", "imgUrls", URL, "imgUrls must be a list, not str"),
        ("blend", "imgUrls", [URL], "imgUrls must have 2 to 5 items, and has 1"),
        ("blend", "imgUrls", [URL, "x"], r"imgUrls\[1\] must be an http or https URL"),
        ("blend", "aspect_ratio", "4:3", "aspect_ratio must be one of 2:3, 1:1, 3:2, not '4:3'"),
        ("describe", "imgUrl", URL + "a" * 9000, "imgUrl must have at most 8,192 characters"),
        ("retexture", "imgUrl", URL + "a" * 1024, "imgUrl must have at most 1,024 characters"),
        ("edit", "canvas", 7, "canvas must be a mapping, not int"),
        ("edit", "canvas", {"width": 1}, "canvas must have width, height, and has width"),
        ("edit", "imgPos", {"width": 1, "height": 1, "x": 0, "y": 0.5}, r"imgPos\.y must be a whole"),
        ("edit", "mask", b"", "mask must be a mapping with areas or a url, not bytes"),
        ("edit", "mask", {}, "mask must have areas or a url"),
        ("edit", "mask", {"areas": None}, "mask must have areas or a url"),
        ("edit", "mask", {"url": "x"}, r"mask\.url must be an http or https URL"),
        ("edit", "mask", {"areas": []}, r"mask\.areas must have 1 or more items, and has 0"),
        ("edit", "mask", {"areas": [{**AREA, "width": 499}]}, r"mask\.areas\[0\]\.width must be from 500"),
        ("edit", "mask", {"areas": [{**AREA, "points": [1] * 7}]}, "an x and a y for each corner"),
        ("inpaint", "mask", b"GIF89a", "mask must be the content of a PNG file"),
    ],
)  # fmt: skip
def test_messages(task: str, field: str, value: object, message: str) -> None:
    """The message names the field as the API does, the range, and what was given."""
    with pytest.raises((ValueError, TypeError), match=message):
        check_fields(task, {field: value})


def test_what_is_unknown_passes() -> None:
    """A field that the API may have and this version doesn't know is the API's to check."""
    check_fields("diffusion", {"text": "a", "new": object(), "callback": None})
