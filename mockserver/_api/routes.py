"""Which route a request is for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from mockserver._world.routes import JOB, ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver._world.routes import Route

ROUTE: Final = "legnext_mock.route"
"""The key of a request's scope that has its route."""
JOB_PREFIX: Final = "/api/v1/job/"
"""The beginning of the path of a status request."""

_FIXED: Final = {(route.method, route.path): route for route in ROUTES if route is not JOB}
# How much of a path is compared with the templates: enough for typing errors, and bounded, as the
# time for a comparison grows with the length.
_MOST_COMPARED = 200


def job_id_in(path: str) -> str | None:
    """The job id in a (decoded) path of a status request; None for any other path."""
    job_id = path.removeprefix(JOB_PREFIX)
    # There are no routes below that of a job, so a slash can't be part of an id.
    return job_id if job_id and job_id != path and "/" not in job_id else None


def route_of(method: str, path: str, job_id: str | None = None) -> Route | None:
    """The route that answers a request for a decoded path, or None; HEAD counts as GET.

    The caller may have the job id of the path already.
    """
    if method == "HEAD":
        method = "GET"
    if method == "GET" and (job_id or job_id_in(path)) is not None:
        return JOB
    return _FIXED.get((method, path))


def nearest_route(method: str, path: str, routes: Iterable[Route] = ROUTES) -> Route:
    """The route that a request without a route may have meant: the one with the closest template."""
    head, _, last = path[:_MOST_COMPARED].rpartition("/")
    asked = [f"{method} {path[:_MOST_COMPARED]}"]
    if last and head:
        asked.append(f"{method} {head}/{{job_id}}")

    def likeness(route: Route) -> float:
        # A job id is most of its path; replaced by the parameter's name, it doesn't outweigh a
        # typing error elsewhere.
        forms = asked if "{" in route.path else asked[:1]
        return max(
            difflib.SequenceMatcher(None, form, route.template, autojunk=False).ratio()
            for form in forms
        )

    return max(routes, key=likeness)
