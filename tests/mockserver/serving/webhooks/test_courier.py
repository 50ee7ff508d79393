"""Delivering webhooks over sockets."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio

from mockserver import DeliveryRecord, MockLegnext, WebhookRequest, WebhookSettings, run_virtual
from mockserver._serving.webhooks.dispatcher import Dispatcher
from tests.mockserver.serving.webhooks.hooks import HOOK, OK, add_job, mock_of, socket_server
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from mockserver._serving.webhooks.planning import Attempt


def deliver_to(
    answer: bytes | Callable[[trio.SocketStream], Awaitable[None]], **settings: object
) -> tuple[list[DeliveryRecord], list[bytes]]:
    """Deliver a message to a server on a socket; return the delivery, and what it got."""

    async def main() -> tuple[list[DeliveryRecord], list[bytes]]:
        given = WebhookSettings(**settings)  # type: ignore[arg-type]
        mock = MockLegnext(time_scale=1000, webhooks=given)
        async with socket_server(answer) as (url, requests):
            add_job(mock, url)
            with trio.fail_after(PATIENCE):
                await mock.webhooks.drain()
        assert not mock.crashes
        return list(mock.webhooks.deliveries), requests

    return trio.run(main)


def test_a_loopback_url_gets_http() -> None:
    """A POST with header fields and body, without the fields of httpx's client."""
    (delivery,), (request,) = deliver_to(OK, secret="s")  # noqa: S106 - no real one
    assert (delivery.outcome, delivery.status_code, delivery.signed) == ("delivered", 200, True)
    assert delivery.at >= 32
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ") for line in lines)
    assert first == "POST /hook HTTP/1.1"
    assert headers.keys() == {
        "host",
        "content-type",
        "content-length",
        "user-agent",
        "x-legnext-signature",
    }
    assert headers["content-length"] == str(len(body))
    assert body.startswith(b'{"job_id":"')


def test_a_redirect_is_not_followed() -> None:
    """A redirect is a rejected delivery."""
    away = b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    (delivery,), requests = deliver_to(away)
    assert (delivery.outcome, delivery.status_code) == ("rejected", 307)
    assert len(requests) == 1


def test_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies in the environment are ignored."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    (delivery,), _ = deliver_to(OK)
    assert delivery.outcome == "delivered"


def test_what_is_no_http_is_a_failure() -> None:
    """An answer other than HTTP is a failure, with the message of httpx."""
    (delivery,), _ = deliver_to(b"nonsense\r\n\r\n")
    assert delivery.outcome == "failed"
    assert (delivery.error or "").startswith("RemoteProtocolError: ")


def test_who_does_not_answer_is_given_up() -> None:
    """An attempt fails after the timeout, in the clock's seconds."""

    async def keep_silent(_stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    (delivery,), _ = deliver_to(keep_silent, timeout=0.05)
    assert (delivery.outcome, delivery.error) == ("failed", "no answer within 0.05 s")
    assert delivery.ended_at - delivery.at >= 50


def test_an_answer_without_end_is_left() -> None:
    """Of an endless answer only the status is read."""

    async def pour(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"x" * 65536)

    (delivery,), _ = deliver_to(pour)
    assert (delivery.outcome, delivery.status_code) == ("delivered", 200)


def test_nobody_listens() -> None:
    """A closed port is a failed attempt, and is retried."""

    async def main() -> MockLegnext:
        mock = MockLegnext(time_scale=1000, webhooks=WebhookSettings(retries=(1,)))
        async with socket_server(OK) as (url, _):
            pass
        add_job(mock, url.replace("http://", "http://name:word@"))
        with trio.fail_after(PATIENCE):
            await mock.webhooks.drain()
        return mock

    mock = trio.run(main)
    first, second = mock.webhooks.deliveries
    assert (first.outcome, first.number, second.number) == ("failed", 1, 2)
    assert (first.error or "").startswith("ConnectError: ")
    assert "word" not in first.url


@pytest.mark.parametrize("url", ["https://example.org/hook", "http://127.0.0.1:0/", "nothing"])
def test_other_hosts_are_refused(url: str) -> None:
    """Nothing is resolved, sent or retried; the journal has the reason."""
    mock = mock_of(retries=(1, 2))

    async def main() -> None:
        add_job(mock, url)
        await mock.webhooks.drain()

    run_virtual(main)
    (delivery,) = mock.webhooks.deliveries
    assert (delivery.outcome, delivery.status_code) == ("refused", None)
    assert delivery.error
    assert not mock.crashes


class OneName(trio.abc.HostnameResolver):
    """A name service that knows one name, and records what is resolved."""

    def __init__(self, name: str) -> None:
        self.asked: list[str] = []
        self._name = name

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,  # noqa: ARG002 - trio's signature, as the next
        type: int = 0,  # noqa: A002, ARG002
        proto: int = 0,  # noqa: ARG002
        flags: int = 0,  # noqa: ARG002 - trio's signature
    ) -> list[Any]:
        """The address of this machine, for the one name."""
        await trio.lowlevel.checkpoint()
        name = (host or b"").decode()
        self.asked.append(name)
        assert name == self._name
        kind = (trio.socket.AF_INET, trio.socket.SOCK_STREAM, 0, "")
        return [(*kind, ("127.0.0.1", int(port or 0)))]

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        """Not supported."""
        raise NotImplementedError


def test_an_allowed_host_is_sent_to() -> None:
    """An allowed host is resolved; another one is not."""
    names = OneName("hooks.example")

    async def main() -> list[DeliveryRecord]:
        trio.socket.set_custom_hostname_resolver(names)
        settings = WebhookSettings(allowed_hosts=("Hooks.Example",))
        mock = MockLegnext(time_scale=1000, webhooks=settings)
        async with socket_server(OK) as (url, requests):
            add_job(mock, url.replace("127.0.0.1", "hooks.example"))
            add_job(mock, url.replace("127.0.0.1", "other.example"))
            with trio.fail_after(PATIENCE):
                await mock.webhooks.drain()
            assert len(requests) == 1
        return list(mock.webhooks.deliveries)

    outcomes = {delivery.url[7:20]: delivery.outcome for delivery in trio.run(main)}
    assert outcomes == {"hooks.example": "delivered", "other.example": "refused"}
    assert names.asked == ["hooks.example"]


def test_a_job_is_told_while_the_mock_is_served() -> None:
    """Both over sockets: the submit, and the webhook."""

    async def main() -> list[DeliveryRecord]:
        mock = MockLegnext(time_scale=1000)
        async with socket_server(OK) as (url, requests), mock.serve() as address:
            body = b'{"text":"a","callback":"%s"}' % url.encode()
            host, port = address.removeprefix("http://").split(":")
            stream = await trio.open_tcp_stream(host, int(port))
            async with stream:
                await stream.send_all(
                    b"POST /api/v1/diffusion HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n"
                    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(body), body)
                )
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
            with trio.fail_after(PATIENCE):
                await mock.webhooks.drain()
            assert len(requests) == 1
        return list(mock.webhooks.deliveries)

    (delivery,) = trio.run(main)
    assert delivery.outcome == "delivered"


def test_no_more_than_so_many_attempts_are_under_way() -> None:
    """Attempts above the maximum wait, in order."""
    mock = mock_of(at_once=3)
    under_way = most = 0

    async def slowly(_request: WebhookRequest) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await trio.sleep(5)
        under_way -= 1

    mock.webhooks.receive(HOOK, slowly)

    async def main() -> None:
        for _ in range(10):
            add_job(mock)
        await mock.webhooks.drain()

    run_virtual(main)
    assert most == 3
    assert [delivery.at for delivery in mock.webhooks.deliveries] == [
        *[32] * 3,
        *[37] * 3,
        *[42] * 3,
        47,
    ]


def test_receivers_get_messages_in_their_order() -> None:
    """Messages of the same instant are in order too, whatever Trio schedules first."""
    mock = mock_of()
    seen: list[str] = []

    async def note(request: WebhookRequest) -> None:
        seen.append(request.json()["job_id"])
        await trio.sleep(1)

    mock.webhooks.receive(HOOK, note)

    async def main() -> None:
        for _ in range(20):
            add_job(mock)
        await mock.webhooks.drain()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert seen == list(mock.world.job_ids())


def test_the_run_ends_with_attempts_under_way() -> None:
    """The end of a run interrupts attempts, and the next run makes them again."""
    mock = mock_of()
    cut_off: list[float] = []

    async def wait(request: WebhookRequest) -> None:
        if not cut_off:
            try:
                await trio.sleep_forever()
            finally:
                cut_off.append(request.at)

    mock.webhooks.receive(HOOK, wait)

    async def main() -> None:
        add_job(mock)
        await trio.sleep(33)

    run_virtual(main)
    assert cut_off == [32]
    assert not mock.webhooks.deliveries
    run_virtual(mock.webhooks.drain)
    assert [delivery.at for delivery in mock.webhooks.deliveries] == [33]
    assert not mock.crashes


def test_a_bug_in_it_does_not_bring_down_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is among the crashes, and `drain` raises."""
    mock = mock_of()

    def fail(_dispatcher: Dispatcher, _t: float) -> Attempt | None:
        raise ZeroDivisionError("a bug")

    async def main() -> None:
        add_job(mock)
        monkeypatch.setattr(Dispatcher, "take", fail)
        with pytest.raises(RuntimeError, match="the delivery of webhooks has ended"):
            await mock.webhooks.drain()
        await trio.sleep(1)

    run_virtual(main)
    assert [str(error) for error in _leaves(mock.crashes)] == ["a bug"]


def _leaves(errors: list[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in errors:
        if isinstance(error, ExceptionGroup):
            found += _leaves(list(error.exceptions))
        else:
            found.append(error)
    return found
