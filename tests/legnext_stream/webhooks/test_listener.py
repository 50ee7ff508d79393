"""The callback listener: what has come goes to the tracker, in parts if there is much of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Tracker
from legnext_stream._engine.delivery import Delivery
from legnext_stream._webhooks.exchange import Exchange
from legnext_stream._webhooks.listener import CallbackListener
from tests.legnext_stream.support import pacer_for
from tests.legnext_stream.webhooks.test_waiting import callback


class Watch:
    """As much of a watch as a listener uses.

    Attributes:
        ends: The jobs whose end was delivered.
        woken: How many ends there were each time it was woken.
    """

    def __init__(self) -> None:
        self.tracker = Tracker(pacing=Pacing(), timeout=None, pacer=pacer_for(Pacing()))
        self.delivery = Delivery()
        self.ends: list[str] = []
        self.woken: list[int] = []

    def deliver(self, events: Sequence[JobEvent], size: int = 0) -> None:
        """Take events."""
        assert size > 0
        self.ends.extend(event.job_id for event in events)

    def wake(self) -> None:
        """Be woken."""
        self.woken.append(len(self.ends))


async def test_much_is_taken_in_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch is woken again for the rest; callbacks about jobs of other watches are skipped."""
    monkeypatch.setattr("legnext_stream._webhooks.exchange._AT_ONCE", 2)
    exchange = Exchange(lambda: 0.0)
    watch = Watch()
    tracker, ends, woken = watch.tracker, watch.ends, watch.woken
    listener = CallbackListener(exchange)
    listener.watch = watch
    listener.ended()
    listener.before_step()
    await listener.open()
    for job_id in "abcd":
        tracker.add(0.0, job_id)
    for job_id in "abxcd":
        exchange.put(callback(job_id))
    await trio.sleep(1)
    assert woken == [0]
    listener.before_step()
    # Those that have just come in find theirs at once, and what comes after that is old.
    assert ends == ["a", "b", "c", "d"]
    assert woken == [0, 2]
    listener.before_step()
    listener.before_step()
    assert ends == ["a", "b", "c", "d"]
    assert exchange.claim("x") is not None
    listener.ended()
    listener.ended()
    exchange.put(callback("e"))
    await trio.sleep(1)
    assert len(woken) == 3
