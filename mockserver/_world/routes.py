"""The routes of the API, and the words by which limits and faults name them.

A route has a template, `"GET /api/v1/job/{job_id}"`, and a short name, `"job"`. The submits of all
task types together are `"submit"`, one of them has its task type's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from mockserver._world.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SUBMIT: Final = "submit"
"""The word for the submits of all task types."""


@attrs.frozen(eq=False)
class Route:
    """One thing that can be asked of the API.

    Attributes:
        name: Its short name, e.g. `"job"` or `"diffusion"`.
        method: The method, e.g. `"GET"`.
        path: The path, with its parameters in braces, e.g. `"/api/v1/job/{job_id}"`.
        template: Method and path, e.g. `"GET /api/v1/job/{job_id}"`.
        words: All that it may be called: its name, its template, and for a submit `"submit"`.
    """

    name: str
    method: str
    path: str
    template: str = attrs.field(
        default=attrs.Factory(lambda self: f"{self.method} {self.path}", takes_self=True),
        init=False,
        repr=False,
    )
    words: frozenset[str] = attrs.field(
        default=attrs.Factory(lambda self: self._words(), takes_self=True), init=False, repr=False
    )

    def _words(self) -> frozenset[str]:
        words = {self.name, self.template}
        return frozenset(words | {SUBMIT} if self.name in TASKS else words)

    @property
    def is_submit(self) -> bool:
        """Whether it makes jobs."""
        return SUBMIT in self.words


JOB: Final = Route("job", "GET", "/api/v1/job/{job_id}")
"""The status request."""
BALANCE: Final = Route("balance", "GET", "/api/account/balance")
"""The account's balance."""
ACTIVE_TASKS: Final = Route("active-tasks", "GET", "/api/account/active_tasks")
"""The jobs under way, where the mock is told to have this route."""
OPENAPI: Final = Route("openapi", "GET", "/openapi.json")
"""The description of the API."""
FILE: Final = Route("file", "GET", "/files/{job_id}/{name}")
"""A job's result; on a host of its own it lies without the `/files`."""

API_ROUTES: Final = (
    JOB,
    *(Route(name, "POST", f"/api/v1/{name}") for name in TASKS),
    BALANCE,
    ACTIVE_TASKS,
)
"""The routes of the API itself: those that limits and faults can be about."""

ROUTES: Final = (*API_ROUTES, OPENAPI)
"""All routes."""

WORDS: Final = frozenset[str]().union(*(route.words for route in API_ROUTES))
"""All words for routes of the API."""

FAULT_WORDS: Final = WORDS | FILE.words
"""All words for routes that faults can be about: those of the API, and the files of results."""


def is_route_word(_instance: object, attribute: attrs.Attribute[str | None], word: object) -> None:
    """See to it, for attrs, that a setting names a route of the API or is None.

    Raises:
        ValueError: It names none.
    """
    _check(attribute.name, word, WORDS, API_ROUTES)


def is_fault_route_word(
    _instance: object, attribute: attrs.Attribute[str | None], word: object
) -> None:
    """See to it, for attrs, that a setting names a route that faults can be about, or is None.

    Raises:
        ValueError: It names none.
    """
    _check(attribute.name, word, FAULT_WORDS, (*API_ROUTES, FILE))


def _check(setting: str, word: object, words: Collection[str], routes: Iterable[Route]) -> None:
    if word is not None and word not in words:
        names = ", ".join([SUBMIT, *(route.name for route in routes)])
        raise ValueError(
            f"{setting} must be a route's template, like {JOB.template!r}, or one of "
            f"{names}; not {word!r}"
        )
