"""The gate in front of the routes: limits, latency and the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from mockserver import Concurrency, Fixed, MockLegnext, Quirks, Status, TokenBucket, run_virtual
from mockserver._serving.gate import Gate
from tests.mockserver.helpers import POST, client_of

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


def test_a_request_that_is_given_up_gives_its_place_back() -> None:
    """A request whose client leaves no longer counts as in progress."""

    async def main() -> None:
        mock = MockLegnext(limit=Concurrency(1), latency=Fixed(5.0))
        (job_id,) = mock.add_jobs(1)
        path = f"/api/v1/job/{job_id}"
        async with client_of(mock, timeout=1.0) as hasty, client_of(mock, timeout=60.0) as patient:
            with pytest.raises(httpx.ReadTimeout):
                await hasty.get(path)
            await trio.sleep(10)
            assert (await patient.get(path)).status_code == 200

    run_virtual(main)


def test_the_journal_knows_the_route() -> None:
    """A request is recorded with its route, or with none."""
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)

    async def main() -> None:
        async with client_of(mock) as client:
            await client.get(f"/api/v1/job/{job_id}")
            await client.post(POST, json={"text": "a"})
            await client.get("/api/v1/jobs")

    run_virtual(main)
    assert {(record.route, record.faults) for record in mock.requests} == {
        ("GET /api/v1/job/{job_id}", ()),
        ("POST /api/v1/diffusion", ()),
        (None, ()),
    }


@pytest.mark.parametrize(
    ("keyless", "path", "key", "code"),
    [
        (True, "/api/v1/job/{}", "", 200),
        (True, "/api/v1/job/{}", "wrong", 401),
        (True, "/api/account/balance", "", 401),
        (False, "/api/v1/job/{}", "", 401),
    ],
)
def test_a_job_can_be_looked_up_without_a_key(
    keyless: bool,  # noqa: FBT001 - a table's column
    path: str,
    key: str,
    code: int,
) -> None:
    """With the quirk, a status request needs no key; a wrong one is still refused."""
    mock = MockLegnext(quirks=Quirks(get_without_key=keyless), api_keys=["right"])
    (job_id,) = mock.add_jobs(1)

    async def main() -> int:
        headers = {"x-api-key": key} if key else {}
        async with client_of(mock, headers=headers) as client:
            return (await client.get(path.format(job_id))).status_code

    assert run_virtual(main) == code


@pytest.mark.parametrize("key", [None, "a-secret-key"])
def test_the_key_is_nowhere_to_be_seen(key: str | None) -> None:
    """The key is in no record and in no repr."""
    mock = MockLegnext(api_keys=["a-secret-key"], faults=[Status(503)], limit=TokenBucket(1))

    async def main() -> None:
        async with client_of(mock, headers={"x-api-key": key or "a-secret-key-2"}) as client:
            await client.get("/api/account/balance")

    run_virtual(main)
    assert b"a-secret-key" not in mock.requests.dump()
    assert "a-secret-key" not in f"{mock!r} {mock.requests[0]!r} {mock._service.limits!r}"


@pytest.mark.parametrize(("started", "code"), [(False, 500), (True, 200)])
def test_a_bug_is_recorded_and_comes_out(started: bool, code: int) -> None:  # noqa: FBT001 - a table's column
    """An error behind the gate is a crash, is in the journal once, and is raised."""

    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("a bug")

    async def receive() -> Message:
        raise AssertionError("nobody reads")

    async def send(_message: Message) -> None:
        await trio.lowlevel.checkpoint()

    mock = MockLegnext(limit=Concurrency(1))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/account/balance",
        "headers": [(b"x-api-key", b"key")],
    }

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(LookupError, match="a bug"):
                await Gate(broken, mock._service)(dict(scope), receive, send)

    run_virtual(main)
    assert [record.status_code for record in mock.requests] == [code, code]
    assert [record.path for record in mock.requests] == ["/api/account/balance"] * 2
    assert [type(error) for error in mock.crashes] == [LookupError, LookupError]
