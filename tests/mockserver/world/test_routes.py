"""The table of routes, and the words for them."""

from __future__ import annotations

import attrs
import pytest

from mockserver._world.routes import JOB, ROUTES, WORDS, is_route_word
from mockserver._world.tasks import TASKS


@attrs.frozen
class _Setting:
    route: str | None = attrs.field(default=None, validator=is_route_word)


def test_every_task_type_has_a_submit() -> None:
    """Each task type has a submit under its name, and no other route makes jobs."""
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
    """A route has a template and a name; None is no route."""
    assert _Setting(word).route == word
    assert word is None or word in WORDS


@pytest.mark.parametrize("word", ["", "jobs", "docs", "/api/v1/diffusion", "GET /api/v1/job/1"])
def test_unknown_routes(word: str) -> None:
    """An unknown route is an error."""
    with pytest.raises(ValueError, match=r"route must be a route's template, like 'GET /api"):
        _Setting(word)
