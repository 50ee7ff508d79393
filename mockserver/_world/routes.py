"""The routes of the API, the words by which limits and faults name them, and requests for them.

A route has a template, `"GET /api/v1/job/{job_id}"`, and a short name, `"job"`. The submits of all
task types together are `"submit"`, one of them has the name of its task type.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import Any, Final

import attrs

from mockserver._world.tasks import TASKS

SUBMIT: Final = "submit"
"""The word for the submits of all task types."""


@attrs.frozen(eq=False)
class Route:
    """One thing that can be asked of the API.

    Attributes:
        name: Its short name, e.g. `"job"` or `"diffusion"`.
        method: The method, e.g. `"GET"`.
        path: The path, with its parameters in braces, e.g. `"/api/v1/job/{job_id}"`.
    """

    name: str
    method: str
    path: str

    @functools.cached_property
    def template(self) -> str:
        """Method and path, e.g. `"GET /api/v1/job/{job_id}"`."""
        return f"{self.method} {self.path}"

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """Everything it may be called: its name, its template, and for a submit `"submit"`."""
        return frozenset({self.name, self.template, *([SUBMIT] if self.name in TASKS else [])})


JOB: Final = Route("job", "GET", "/api/v1/job/{job_id}")
"""The status request."""
BALANCE: Final = Route("balance", "GET", "/api/account/balance")
"""The account's balance."""
ACTIVE_TASKS: Final = Route("active-tasks", "GET", "/api/account/active_tasks")
"""The unfinished jobs; only if `Quirks` has the mock answer this route."""
OPENAPI: Final = Route("openapi", "GET", "/openapi.json")
"""The description of the API."""
FILE: Final = Route("file", "GET", "/files/{job_id}/{name}")
"""A job's result; on a host of its own it is without the `/files`."""

API_ROUTES: Final = (
    JOB,
    *(Route(name, "POST", f"/api/v1/{name}") for name in TASKS),
    BALANCE,
    ACTIVE_TASKS,
)
"""The routes of the API itself: those that limits can count."""

ROUTES: Final = (*API_ROUTES, OPENAPI)
"""All routes."""

WORDS: Final = frozenset[str]().union(*(route.words for route in API_ROUTES))
"""All words for routes of the API."""
FAULT_WORDS: Final = WORDS | FILE.words
"""All words for routes that can have faults: those of the API, and the files of results."""


# Assigned once, by the generated `__init__`: a frozen class takes three times as long to make, and
# one is made for every request.
@attrs.define(on_setattr=attrs.setters.frozen, unsafe_hash=True)
class RequestFacts:
    """What is known about a request when it arrives.

    Attributes:
        at: When it arrives, in seconds since the world's start.
        method: Its method, e.g. `"GET"`.
        path: Its path, as it was sent, without the query.
        route: The route it is for, or None if no route answers it.
        job_id: The job that its path names, if any.
        key: Its API key; empty for none.
    """

    at: float
    method: str
    path: str
    route: Route | None
    job_id: str | None
    # It must not be in any message.
    key: str = attrs.field(default="", repr=False)

    def is_for(self, word: str) -> bool:
        """Whether `word` is one for the route of the request."""
        return self.route is not None and word in self.route.words


def is_route_word(_instance: object, attribute: attrs.Attribute[Any], word: object) -> None:
    """Check that a field names a route of the API, or is None."""
    _check(attribute.name, word, WORDS, API_ROUTES)


def is_fault_route_word(_instance: object, attribute: attrs.Attribute[Any], word: object) -> None:
    """Check that a field names a route that can have faults, or is None."""
    _check(attribute.name, word, FAULT_WORDS, (*API_ROUTES, FILE))


def _check(setting: str, word: object, words: Collection[str], routes: Iterable[Route]) -> None:
    if word is not None and word not in words:
        names = ", ".join([SUBMIT, *(route.name for route in routes)])
        raise ValueError(
            f"{setting} must be a route's template, like {JOB.template!r}, or one of "
            f"{names}; not {word!r}"
        )
