"""Checking the parameters of submits."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver._api.refusals import Refusal
from mockserver._api.validation import kept_of, prompts_of, validate
from mockserver._world.tasks import TASKS

URL = "https://example.org/a.png"
AREA = {"width": 500, "height": 4096, "points": [0, 0, 10, 0, 10, 10]}
MASK = {"areas": [AREA]}
IMAGE = {"jobId": "j", "imageNo": 0}
PLACE = {
    "canvas": {"width": 10, "height": 10},
    "imgPos": {"width": 5, "height": 5, "x": 0, "y": -1},
}
VIDEO = {"jobId": "j", "videoNo": 3}

GOOD: dict[str, dict[str, object]] = {
    "diffusion": {"text": "a"},
    "variation": {**IMAGE, "type": 0},
    "upscale": {**IMAGE, "type": 1},
    "reroll": {"jobId": "j"},
    "blend": {"imgUrls": [URL, URL], "aspect_ratio": "1:1"},
    "describe": {"imgUrl": URL},
    "shorten": {"prompt": "a"},
    "pan": {**IMAGE, "direction": 3, "scale": 3},
    "outpaint": {**IMAGE, "scale": 1.1},
    "inpaint": {**IMAGE, "mask": {"url": URL}},
    "remix": {**IMAGE, "remixPrompt": "a"},
    "edit": {**IMAGE, **PLACE, "remixPrompt": "a"},
    "upload-paint": {"imgUrl": URL, **PLACE, "remixPrompt": "a", "mask": MASK},
    "retexture": {"imgUrl": URL, "remixPrompt": "a"},
    "remove-background": {"imgUrl": URL},
    "enhance": IMAGE,
    "video-diffusion": {"prompt": "a"},
    "extend-video": VIDEO,
    "video-upscale": VIDEO,
}

ALSO_GOOD: list[tuple[str, dict[str, object]]] = [
    ("diffusion", {"text": "a" * 8192, "callback": URL, "unknown": 1}),
    ("diffusion", {"text": "a", "callback": None}),
    ("variation", {"remixPrompt": "more", "imageNo": 1.0}),
    ("inpaint", {"mask": b"\x89PNG\r\n\x1a\nrest"}),
    ("inpaint", {"mask": {"areas": None, "url": URL}}),
    ("remix", {"mode": 1}),
    ("edit", {"mask": {**MASK, "url": URL}}),
    ("video-diffusion", {"prompt": None, **IMAGE, "videoType": 1}),
    ("blend", {"imgUrls": [URL] * 5}),
]

BAD: list[tuple[str, dict[str, object], str]] = [
    ("diffusion", {"text": ""}, "text must be text of 1 to 8192 characters"),
    ("diffusion", {"text": "a" * 8193}, "text must be text"),
    ("diffusion", {"text": 1}, "text must be text"),
    ("diffusion", {"text": None}, "text is required"),
    ("diffusion", {"callback": "ftp://x"}, "callback must be an http or https URL"),
    ("diffusion", {"callback": "http://"}, "callback must be an http or https URL"),
    ("variation", {"imageNo": 4}, "imageNo must be an integer from 0 to 3"),
    ("variation", {"imageNo": -1}, "imageNo must be an integer from 0 to 3"),
    ("variation", {"imageNo": True}, "imageNo must be an integer from 0 to 3"),
    ("variation", {"imageNo": 1.5}, "imageNo must be an integer"),
    ("variation", {"type": 2}, "type must be an integer from 0 to 1"),
    ("blend", {"imgUrls": [URL]}, "imgUrls must be a list of at least 2"),
    ("blend", {"imgUrls": [URL] * 6}, "imgUrls must be a list of at most 5"),
    ("blend", {"imgUrls": URL}, "imgUrls must be a list"),
    ("blend", {"imgUrls": [URL, "x"]}, r"imgUrls \[1\] must be an http"),
    ("blend", {"aspect_ratio": "4:3"}, "aspect_ratio must be one of 2:3, 1:1, 3:2"),
    ("pan", {"scale": 1.0}, "scale must be a number from 1.1 to 3.0"),
    ("pan", {"scale": True}, "scale must be a number"),
    ("pan", {"scale": "2"}, "scale must be a number"),
    ("outpaint", {"scale": 2.5}, "scale must be a number from 1.1 to 2.0"),
    ("inpaint", {"mask": b"GIF89a"}, "mask must be a PNG file"),
    ("inpaint", {"mask": "text"}, "mask must be an object with areas or a url"),
    ("inpaint", {"mask": {}}, "mask must have areas or a url"),
    ("inpaint", {"mask": {"areas": []}}, "mask areas must be a list of at least 1"),
    ("inpaint", {"mask": {"areas": ["x"]}}, r"mask areas \[0\] must be an object"),
    ("inpaint", {"mask": {"areas": [{}]}}, r"mask areas \[0\] width is required"),
    (
        "inpaint",
        {"mask": {"areas": [{**AREA, "width": 499}]}},
        r"mask areas \[0\] width must be an integer from 500 to 4096",
    ),
    ("inpaint", {"mask": {"areas": [{**AREA, "points": [1, 2, 3]}]}}, "points must be a list"),
    ("inpaint", {"mask": {"areas": [{**AREA, "points": [1] * 7}]}}, "points must be x and y"),
    ("edit", {"canvas": {"width": 1}}, "canvas height is required"),
    ("edit", {"canvas": {"width": 1, "height": "2"}}, "canvas height must be an integer"),
    ("edit", {"imgPos": []}, "imgPos must be an object"),
    ("edit", {"mask": {"url": "x"}}, "mask url must be an http"),
    ("retexture", {"imgUrl": URL + "a" * 1024}, "imgUrl must be .* at most 1024"),
    ("video-diffusion", {"jobId": "j"}, "imageNo is required"),
    ("video-diffusion", {"videoType": 2}, "videoType must be"),
]


def test_every_task_is_tried() -> None:
    """The table of good parameters has all tasks."""
    assert set(GOOD) == set(TASKS)


@pytest.mark.parametrize("task", GOOD)
def test_the_required_parameters_are_enough(task: str) -> None:
    """The required parameters are enough for a submit."""
    validate(TASKS[task], GOOD[task])


@pytest.mark.parametrize(("task", "name"), [(t, name) for t, p in GOOD.items() for name in p])
def test_every_required_parameter_is_required(task: str, name: str) -> None:
    """Without any one of them, a submit is refused."""
    rest = {other: value for other, value in GOOD[task].items() if other != name}
    with pytest.raises(Refusal, match=f"^{name} is required$"):
        validate(TASKS[task], rest)


@pytest.mark.parametrize(("task", "extra"), ALSO_GOOD)
def test_what_else_is_taken(task: str, extra: dict[str, object]) -> None:
    """Values at the ends of their ranges, and optional parameters, are accepted."""
    validate(TASKS[task], {**GOOD[task], **extra})


@pytest.mark.parametrize(("task", "wrong", "complaint"), BAD)
def test_what_is_wrong_is_named(task: str, wrong: dict[str, Any], complaint: str) -> None:
    """The message names the first wrong parameter, and what it must be."""
    with pytest.raises(Refusal, match=complaint):
        validate(TASKS[task], {**GOOD[task], **wrong})


def test_what_no_schema_can_say_is_another_refusal() -> None:
    """An odd number of coordinates, and a file that isn't a PNG, get 422."""
    odd = {"areas": [{**AREA, "points": [1] * 7}]}
    for mask in (odd, b"GIF89a"):
        with pytest.raises(Refusal) as caught:
            validate(TASKS["inpaint"], {**IMAGE, "mask": mask})
        assert (caught.value.status_code, caught.value.message) == (422, "Unprocessable parameters")


@pytest.mark.parametrize(
    ("task", "prompts"),
    [("diffusion", ["a"]), ("remix", ["b"]), ("video-diffusion", []), ("describe", [])],
)
def test_prompts(task: str, prompts: list[str]) -> None:
    """The prompts of a submit are found by its task's parameters, whatever their names."""
    given = {"text": "a", "remixPrompt": "b", "prompt": 1, "other": "c"}
    assert prompts_of(TASKS[task], given) == prompts


def test_what_is_kept() -> None:
    """A job keeps the parameters that its task knows, without files and nulls."""
    given = {"jobId": "j", "imageNo": 0, "mask": b"PNG", "remixPrompt": None, "unknown": 1}
    assert kept_of(TASKS["inpaint"], given) == IMAGE
    assert kept_of(TASKS["video-diffusion"], {"prompt": "a", **IMAGE}) == {"prompt": "a", **IMAGE}
