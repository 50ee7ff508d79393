"""Which requests to the admin routes are allowed."""

from __future__ import annotations

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext
from mockserver._serving.control.guard import why_refused
from tests.mockserver.helpers import client_of, in_virtual_time


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8080"},
        {"host": "[::1]:8080"},
        {"host": "localhost"},
        {"host": "mock.localhost:8080"},
        {"host": "192.168.1.7:8080"},
        {"host": "ci-box:8080"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"},
        {"host": "localhost", "origin": "https://localhost"},
        {"host": "localhost", "sec-fetch-site": "same-origin"},
        {"host": "localhost", "sec-fetch-site": "none"},
        {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_programs_and_the_own_page_are_let_in(headers: dict[str, str]) -> None:
    """Programs, the mock's own page, and links to it from anywhere are allowed."""
    assert why_refused(headers, {"ci-box"}) is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        # A name that was made to lead to this machine.
        ({"host": "evil.example:8080"}, "don't know the host 'evil.example'"),
        ({"host": "evil.example", "origin": "http://evil.example"}, "don't know the host"),
        ({"host": "localhost.evil.example"}, "don't know the host"),
        ({"host": "127.0.0.1.evil.example"}, "don't know the host"),
        ({"host": "evil.example@127.0.0.1.evil.example"}, "don't know the host"),
        ({"host": "[::1"}, "don't know the host ''"),
        ({}, "don't know the host ''"),
        # Another site's page.
        ({"host": "127.0.0.1:8080", "origin": "https://evil.example"}, "pages of other sites"),
        ({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:9999"}, "pages of other sites"),
        ({"host": "127.0.0.1:8080", "origin": "null"}, "pages of other sites"),
        ({"host": "localhost", "sec-fetch-site": "cross-site"}, "pages of other sites"),
        (
            {"host": "localhost", "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
            "pages of other sites",
        ),
    ],
)
def test_other_pages_are_not_let_in(headers: dict[str, str], reason: str) -> None:
    """Other pages are refused, by their origin or by a name that resolves here."""
    refused = why_refused(headers, ())
    assert refused is not None
    assert reason in refused


@given(st.text(), st.text())
def test_any_headers_are_judged(host: str, origin: str) -> None:
    """No header fields make the guard fail."""
    why_refused({"host": host, "origin": origin}, ())


def test_over_sockets_the_guard_stands() -> None:
    """Over a socket, a page of another site is refused, and nothing is done."""
    mock = MockLegnext(admin_hosts=["ci-box"])

    async def main() -> list[int]:
        async with mock.serve() as url, httpx.AsyncClient(base_url=url) as client:
            asked = [
                client.post("/__admin/jobs", headers={"origin": "https://evil.example"}),
                client.post("/__admin/jobs", headers={"host": "evil.example"}),
                client.get("/__admin/", headers={"host": "evil.example"}),
                client.get("/__admin/state", headers={"sec-fetch-site": "cross-site"}),
                client.post("/__admin/jobs", headers={"host": "ci-box"}),
                client.post("/__admin/jobs", headers={"origin": url}),
            ]
            return [(await each).status_code for each in asked]

    assert trio.run(main) == [403, 403, 403, 403, 200, 200]
    assert len(mock.world) == 2


@in_virtual_time
async def test_in_memory_everybody_is_let_in() -> None:
    """In memory all requests are allowed, whatever their host."""
    async with client_of(MockLegnext()) as client:
        answer = await client.get("/__admin/state", headers={"origin": "https://any.example"})
    assert answer.status_code == 200


def test_names_are_several() -> None:
    """One text in place of several names is refused."""
    with pytest.raises(TypeError, match="several texts"):
        MockLegnext(admin_hosts="ci-box")
