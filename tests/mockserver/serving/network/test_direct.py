"""The transport that calls the application itself: the same as over streams, in less time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio
import trio.testing

from mockserver import Fixed, MockLegnext, Reset, TokenBucket, run_virtual
from mockserver._serving.network.direct import DirectTransport

URL = "http://legnext.test"
KEY = {"x-api-key": "k"}


def client_of(mock: MockLegnext, *, framing: bool = False, **options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's
    """A client of a mock, without HTTP/1.1 in between."""
    transport = mock.transport(framing=framing)
    return httpx.AsyncClient(transport=transport, base_url=URL, headers=KEY, **options)


async def some_requests(client: httpx.AsyncClient, number: int) -> None:
    """Submit a job, and ask for it until it has ended."""
    await trio.sleep(0.3 * number)
    answer = await client.post("/api/v1/diffusion", json={"text": f"cat {number}"})
    if answer.status_code == 200:
        path = f"/api/v1/job/{answer.json()['job_id']}"
        while (await client.get(path)).json().get("status") not in {"completed", "failed"}:  # noqa: ASYNC110 - a client that polls
            await trio.sleep(3.0)
    await client.get("/api/v1/nothing?here")


@pytest.mark.parametrize(
    "settings",
    [
        {"slots": 2},
        {"slots": "reject@3", "latency": 0.25},
        {"slots": 3, "limit": TokenBucket(1.0, 3), "latency": 0.1},
    ],
)
def test_journals_are_the_same(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]) -> None:
    """The same requests are answered in the same way, at the same times and in the same order."""
    # Trio shuffles tasks that run at the same moment, as often as there are such moments.
    monkeypatch.setattr(trio._core._run, "_r", _NoShuffling())

    def journal(*, framing: bool) -> list[str]:
        mock = MockLegnext(seed=4, **settings)
        bodies: list[tuple[int, bytes, list[tuple[bytes, bytes]]]] = []

        async def note(answer: httpx.Response) -> None:
            bodies.append((answer.status_code, await answer.aread(), answer.headers.raw))

        async def main() -> None:
            hooks = {"response": [note]}
            async with (
                client_of(mock, framing=framing, event_hooks=hooks) as client,
                trio.open_nursery() as nursery,
            ):
                for number in range(8):
                    nursery.start_soon(some_requests, client, number)

        run_virtual(main)
        return [*map(str, mock.requests), *map(str, bodies)]

    assert journal(framing=True) == journal(framing=False)


class _NoShuffling:
    def shuffle(self, tasks: list[object]) -> None:
        """Leave the tasks in the order in which they were made."""

    def seed(self, seed: int) -> None:
        """There is nothing to seed."""

    def getstate(self) -> None:
        """There is no state."""

    def setstate(self, state: None) -> None:
        """There is no state."""


async def test_a_client_that_does_not_wait(autojump_clock: trio.testing.MockClock) -> None:
    """Its read times out, and the request is answered and journaled all the same."""
    mock = MockLegnext(latency=Fixed(5.0))
    async with client_of(mock, timeout=2.0) as client:
        begun = autojump_clock.current_time()
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/api/account/balance")
        assert autojump_clock.current_time() - begun == pytest.approx(2.0)
        await trio.sleep(4.0)
        assert len(mock.requests) == 1
        answer = await client.get("/api/account/balance", timeout=None)
    assert answer.status_code == 200


async def test_a_client_that_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    """The request is answered and journaled all the same."""
    mock = MockLegnext(latency=Fixed(5.0))
    async with client_of(mock) as client:
        with trio.move_on_after(1.0):
            await client.get("/api/account/balance")
        assert autojump_clock.current_time() < 5.0
        await trio.sleep(5.0)
    assert len(mock.requests) == 1


async def test_faults_of_the_connection_need_one() -> None:
    """They are answered 500, and the answer says why."""
    async with client_of(MockLegnext(faults=[Reset()])) as client:
        answer = await client.get("/api/account/balance")
    assert answer.status_code == 500
    assert "Fault not possible" in answer.text


async def test_the_answer_to_head_has_no_body() -> None:
    """Only its head is passed on, as HTTP says (RFC 9110, section 9.3.2)."""
    async with client_of(MockLegnext()) as client:
        answer = await client.head("/api/v1/job/none")
    assert (answer.status_code, answer.content) == (404, b"")


async def test_an_application_that_crashes() -> None:
    """The exception is reported, and the client gets a 500; a second message says that it has left."""
    crashes: list[Exception] = []

    async def crash(_scope: object, receive: Any, _send: object) -> None:  # noqa: ANN401 - ASGI's
        assert (await receive())["body"] == b"once"
        raise RuntimeError("a bug")

    transport = DirectTransport(crash, crashes.append)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        answer = await client.post("/", content=b"once")
    assert answer.status_code == 500
    assert [str(error) for error in crashes] == ["a bug"]


async def test_an_application_that_waits_for_the_client_to_leave() -> None:
    """It is told when the answer is complete, which may come in several parts."""
    messages = []

    async def patient(_scope: object, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})
        messages.append(await receive())

    transport = DirectTransport(patient, lambda error: pytest.fail(str(error)))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        assert (await client.get("/")).text == "one two"
        await trio.testing.wait_all_tasks_blocked()
    assert messages == [{"type": "http.disconnect"}]
