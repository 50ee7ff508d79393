"""The table of routes, and the words for them."""

from __future__ import annotations

import attrs
import pytest

from mockserver._world import TASKS
from mockserver._world.routes import JOB, ROUTES, WORDS, is_route_word


@attrs.frozen
class _Setting:
    route: str | None = attrs.field(default=None, validator=is_route_word)


def test_every_task_type_has_a_submit() -> None:
    """There is a submit for each of the 19, under its name, and no other route makes jobs."""
    submits = [route for route in ROUTES if "submit" in route.words]
    assert [route.name for route in submits] == list(TASKS)
    assert {route.template for route in submits} == {f"POST /api/v1/{name}" for name in TASKS}


def test_no_two_routes_are_alike() -> None:
    """Each route has a name and a template of its own."""
    assert len({route.name for route in ROUTES}) == len({r.template for r in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize(
    "word", [None, "job", JOB.template, "submit", "upload-paint", "active-tasks"]
)
def test_routes_are_called_by_their_words(word: str | None) -> None:
    """A setting names a route by its template or its name, or it names none."""
    assert _Setting(word).route == word
    assert word is None or word in WORDS


@pytest.mark.parametrize("word", ["", "jobs", "docs", "/api/v1/diffusion", "GET /api/v1/job/1"])
def test_a_route_that_is_not_there_is_refused(word: str) -> None:
    """A rule that could never fit is a mistake, and its author is to hear of it."""
    with pytest.raises(ValueError, match=r"route must be a route's template, like 'GET /api"):
        _Setting(word)
