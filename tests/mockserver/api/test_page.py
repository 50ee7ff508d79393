"""The page to read the API's description."""

from __future__ import annotations

import re

import pytest

from mockserver import MockLegnext, Quirks
from mockserver._api.openapi import document_of
from mockserver._api.page import in_words
from mockserver._api.quirks import DEFAULT_QUIRKS
from mockserver._world import TASKS
from tests.mockserver.api.asking import ask


@pytest.mark.parametrize("quirks", [DEFAULT_QUIRKS, Quirks(active_tasks=True)])
def test_it_shows_everything_and_needs_nothing(quirks: Quirks) -> None:
    """Every route and every shape is on it, and it loads nothing from anywhere else."""
    mock = MockLegnext(api_keys=["right"], quirks=quirks)
    answer = ask(mock, "GET", "/docs", headers={"x-api-key": ""})
    assert answer.headers["content-type"].startswith("text/html")
    document = document_of(quirks)
    for path in document["paths"]:
        assert f"<code>{path}</code>" in answer.text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in answer.text
    links = re.findall(r'(?:href|src)="([^"]*)"', answer.text)
    assert set(links) == {"openapi.json", *(f"#{n}" for n in document["components"]["schemas"])}
    assert "url(" not in answer.text
    assert len(mock.requests) == 0


@pytest.mark.parametrize(
    ("task", "name", "words"),
    [
        ("diffusion", "text", "text of 1 to 8192 characters"),
        ("retexture", "imgUrl", "an http or https URL of at most 1024 characters"),
        ("pan", "direction", "an integer from 0 to 3"),
        ("pan", "scale", "a number from 1.1 to 3.0"),
        ("pan", "remixPrompt", "text of 1 to 8192 characters or null"),
        ("blend", "aspect_ratio", "one of 2:3, 1:1, 3:2"),
        (
            "blend",
            "imgUrls",
            "a list of 2 to 5, each an http or https URL of at most 8192 characters",
        ),
        ("edit", "canvas", "an object with (width: an integer, height: an integer)"),
        (
            "edit",
            "mask",
            (
                "an object with (areas: a list of 1 or more, each an object with (width: an integer "
                "from 500 to 4096, height: an integer from 500 to 4096, points: a list of 6 or more, "
                "each an integer) or null and/or url: an http or https URL of at most 8192 characters "
                "or null) or null"
            ),
        ),
    ],
)
def test_parameters_are_told_in_words(task: str, name: str, words: str) -> None:
    """Nobody has to read a JSON Schema."""
    assert in_words(TASKS[task].params.schema()["properties"][name]) == words


def test_a_file_is_told_in_words() -> None:
    """A form's file is one."""
    assert (
        in_words(TASKS["inpaint"].params.form_schema()["properties"]["mask"])
        == "a file (image/png)"
    )
