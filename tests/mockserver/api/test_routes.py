"""From a request to its route."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, run_virtual
from mockserver._api.routes import job_id_in, nearest_route, route_of
from mockserver._world.routes import BALANCE, JOB, ROUTES, Route
from mockserver._world.tasks import TASKS
from tests.mockserver.helpers import client_of


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_route_is_found(route: Route) -> None:
    """A request that follows the template has that route, also as the closest."""
    path = route.path.replace("{job_id}", "789320d3-4b20-46d3-a804-6165a079176a")
    assert route_of(route.method, path) is route
    assert nearest_route(route.method, path) is route


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/v1/job/"),
        ("GET", "/api/v1/job/a/b"),
        ("POST", "/api/v1/job/a"),
        ("GET", "/api/v1/diffusion"),
        ("POST", "/api/v1/diffusion/"),
    ],
)
def test_what_no_route_answers(method: str, path: str) -> None:
    """Only the exact path with its method has the route."""
    assert route_of(method, path) is None


def test_the_head_of_an_answer_is_asked_for_like_the_answer() -> None:
    """HEAD has the route of GET."""
    assert route_of("HEAD", "/api/account/balance") is BALANCE


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("GET", "/api/v1/jobs/789320d3-4b20-46d3-a804-6165a079176a", "job"),
        ("GET", "/v1/job/789320d3-4b20-46d3-a804-6165a079176a", "job"),
        ("POST", "/api/v1/difusion", "diffusion"),
        ("POST", "/api/v1/upload_paint", "upload-paint"),
        ("GET", "/api/v1/account/balance", "balance"),
        ("GET", "/openapi", "openapi"),
    ],
)
def test_the_nearest_route_is_the_one_that_was_meant(method: str, path: str, meant: str) -> None:
    """A typing error leads to the route that was meant."""
    assert nearest_route(method, path).name == meant


def test_the_nearest_of_those_that_are_asked_about() -> None:
    """The closest is only looked for among the given routes."""
    assert nearest_route("GET", "/api/account/balance", [JOB]) is JOB


def test_a_long_path_costs_no_more() -> None:
    """Only the beginning of a long path is compared."""
    assert nearest_route("POST", "/api/v1/diffusion" + "/x" * 100_000).name in TASKS


@given(st.text())
def test_any_path_has_an_answer(path: str) -> None:
    """Any path has a route or none, and always a closest one."""
    assert nearest_route("GET", path) in ROUTES
    job_id = job_id_in(f"/api/v1/job/{path}")
    assert job_id == (path if path and "/" not in path else None)


def test_the_application_has_these_routes() -> None:
    """All routes of the table are answered over HTTP, or need a quirk."""

    async def main() -> None:
        mock = MockLegnext()
        (job_id,) = mock.add_jobs(1)
        async with client_of(mock) as client:
            for route in ROUTES:
                answer = await client.request(route.method, route.path.format(job_id=job_id))
                # An empty submit is refused by its route, and not for want of one.
                expected = (
                    400 if route.name in TASKS else 404 if route.name == "active-tasks" else 200
                )
                assert answer.status_code == expected, route

    run_virtual(main)
