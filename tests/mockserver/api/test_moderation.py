"""Moderation, alone and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, Moderation
from mockserver._world.randomness import Randomness
from tests.mockserver.api.asking import COMPLETED, submit

NUMBERS = Randomness(0)


@pytest.mark.parametrize(
    ("prompt", "objection"),
    [
        ("a nice gore scene", "the prompt has the word 'gore'"),
        ("GORE!", "the prompt has the word 'GORE'"),
        ("oh my --nsfw", "the prompt has the word '--nsfw'"),
        ("a gorey scene", None),
        ("", None),
    ],
)
def test_words(prompt: str, objection: str | None) -> None:
    """A word matches as a whole, in any case, whatever its letters."""
    moderation = Moderation(words=("gore", "--nsfw", "a.b"))
    assert moderation.objection([prompt], NUMBERS) == objection


def test_every_prompt_is_read() -> None:
    """Of several prompts each is checked; without prompts there is no objection."""
    assert Moderation(("bad",)).objection(["good", "bad"], NUMBERS)
    assert Moderation(share=1.0).objection([], NUMBERS) is None


def test_a_share() -> None:
    """The share of refused prompts is as configured, and the same prompts are refused again."""
    moderation = Moderation(share=0.25)
    refused = [moderation.objection([f"fox {n}"], NUMBERS) for n in range(1000)]
    assert 200 < sum(map(bool, refused)) < 300
    assert refused == [moderation.objection([f"fox {n}"], NUMBERS) for n in range(1000)]


@given(st.lists(st.text()))
def test_share_zero_and_one(prompts: list[str]) -> None:
    """A share of 0 refuses no prompt, and a share of 1 all of them."""
    assert Moderation().objection(prompts, NUMBERS) is None
    assert bool(Moderation(share=1.0).objection(prompts, NUMBERS)) == bool(prompts)


@pytest.mark.parametrize("settings", [{"share": 1.1}, {"share": -0.1}, {"words": ("",)}])
def test_settings_out_of_their_range(settings: dict[str, Any]) -> None:
    """A share must be from 0 to 1, and words can't be empty."""
    with pytest.raises(ValueError, match="must"):
        Moderation(**settings)


def test_one_word_is_no_collection() -> None:
    """A text in place of a collection of words is refused."""
    with pytest.raises(TypeError, match="several texts"):
        Moderation("gore")


def test_on_the_wire() -> None:
    """A refused prompt gets 403 and makes no job, whichever parameter it is."""
    mock = MockLegnext(moderation=Moderation(words=("gore",)))
    mock.add_job(COMPLETED, job_id="j")
    assert submit(mock, text="a fox").status_code == 200
    bad: dict[str, dict[str, object]] = {
        "diffusion": {"text": "gore"},
        "shorten": {"prompt": "gore"},
        "variation": {"jobId": "j", "imageNo": 0, "type": 0, "remixPrompt": "gore"},
    }
    for task, params in bad.items():
        answer = submit(mock, task, **params)
        assert (answer.status_code, answer.json()["code"]) == (403, 403)
        assert answer.json()["raw_message"] == "the prompt has the word 'gore'"
    assert len(mock.truth) == 2
