"""Which route a request is for: the table of all routes, and the way from a path to one of them.

The table is the one that the application is built from, that limits and faults name routes by, and
that the API's description is made of.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from mockserver._world.routes import ACTIVE_TASKS, BALANCE, FILE, JOB, OPENAPI, ROUTES, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ACTIVE_TASKS",
    "BALANCE",
    "FILE",
    "JOB",
    "OPENAPI",
    "ROUTE",
    "ROUTES",
    "Route",
    "job_id_in",
    "nearest_route",
    "route_of",
]

ROUTE: Final = "legnext_mock.route"
"""The key of a request's scope under which the routes find which of them it is for."""
JOB_PREFIX: Final = "/api/v1/job/"
"""What the path of a status request begins with."""

_FIXED: Final = {(route.method, route.path): route for route in ROUTES if route is not JOB}
# So much of a path is compared with the templates: nobody's typing error needs more, and comparing
# takes time that grows with the length.
_MOST_COMPARED = 200


def job_id_in(path: str) -> str | None:
    """The job that a path (decoded) asks for, or None for any other path."""
    job_id = path.removeprefix(JOB_PREFIX)
    # The slash would make it a path below the job's, of which there is none.
    return job_id if job_id and job_id != path and "/" not in job_id else None


def route_of(method: str, path: str, job_id: str | None = None) -> Route | None:
    """The route that answers a request, or None where none does.

    Args:
        method: The method; HEAD is answered as GET is.
        path: The path, decoded, without a query.
        job_id: The job that the path asks for, if that is known already.
    """
    if method == "HEAD":
        method = "GET"
    if method == "GET" and (job_id or job_id_in(path)) is not None:
        return JOB
    return _FIXED.get((method, path))


def nearest_route(method: str, path: str, routes: Iterable[Route] = ROUTES) -> Route:
    """The route that whoever made a request may have meant.

    It is the one whose template needs the fewest changes; the path of a job has its id taken as the
    parameter that it is.
    """
    head, _, last = path[:_MOST_COMPARED].rpartition("/")
    asked = [f"{method} {path[:_MOST_COMPARED]}"]
    if last and head:
        asked.append(f"{method} {head}/{{job_id}}")

    def likeness(route: Route) -> float:
        # An id is most of its path: with it for the parameter, a slip elsewhere can be seen.
        forms = asked if "{" in route.path else asked[:1]
        return max(
            difflib.SequenceMatcher(None, form, route.template, autojunk=False).ratio()
            for form in forms
        )

    return max(routes, key=likeness)
