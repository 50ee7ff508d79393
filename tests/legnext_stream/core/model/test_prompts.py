"""A prompt: what it accepts, and what is sent for it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from legnext_stream import Prompt, TaskType
from legnext_stream._core.model.prompts import as_prompt, fields_of


@pytest.mark.parametrize(
    ("task_type", "field"),
    [
        ("diffusion", "text"),
        ("shorten", "prompt"),
        ("video-diffusion", "prompt"),
        ("extend-video", "prompt"),
        ("remix", "remixPrompt"),
        ("retexture", "remixPrompt"),
    ],
)
def test_the_text_goes_where_the_task_has_it(task_type: str, field: str) -> None:
    """Each task type has a field of its own for the text."""
    assert fields_of(Prompt("a cat", task_type=task_type)) == {field: "a cat"}


def test_the_other_fields_are_sent_under_the_apis_names() -> None:
    """In snake_case or not, without those that are None, and without the tag."""
    params = {"image_no": 2, "jobId": "j", "type": None}
    prompt = Prompt(task_type="upscale", params=params, tag={"mine": 1})
    assert fields_of(prompt) == {"imageNo": 2, "jobId": "j"}
    assert prompt.task_type is TaskType.UPSCALE
    params.clear()
    assert len(prompt.params) == 3, "it is what it was made of"


@pytest.mark.parametrize(
    ("kind", "said", "given"),
    [
        (TypeError, "a prompt's text is a string, not int", {"text": 3}),
        (ValueError, "can't be encoded", {"text": "\ud800"}),
        (ValueError, "no task type 'difusion'", {"text": "a", "task_type": "difusion"}),
        (ValueError, "upscale takes no text", {"text": "a", "task_type": "upscale"}),
        (TypeError, "'text' was given twice", {"text": "a", "params": {"text": "b"}}),
        (TypeError, "'imageNo' was given twice", {"params": {"imageNo": 1, "image_no": 1}}),
    ],
)
def test_what_can_not_be_sent_is_no_prompt(
    kind: type[Exception],
    said: str,
    given: dict[str, Any],
) -> None:
    """A mistake raises where it is made, not when the prompt is submitted."""
    with pytest.raises(kind, match=said):
        Prompt(**given)


def test_prompts_are_frozen_values() -> None:
    """Equal prompts compare equal, and they can be in a set."""
    assert Prompt("a", tag=[1]) == Prompt("a", tag=[1])
    assert Prompt("a", tag=[1]) != Prompt("a", tag=[2])
    assert len({Prompt("a", tag=[1]), Prompt("a", tag=[1])}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Prompt("a").text = "b"  # type: ignore[misc]


def test_a_text_is_a_prompt_of_the_batchs_kind() -> None:
    """A `Prompt` is taken as it is."""
    assert as_prompt("a", TaskType.SHORTEN) == Prompt("a", task_type="shorten")
    prompt = Prompt("a")
    assert as_prompt(prompt, TaskType.SHORTEN) is prompt
    with pytest.raises(TypeError, match="a text or a Prompt, not int"):
        as_prompt(3, TaskType.DIFFUSION)
