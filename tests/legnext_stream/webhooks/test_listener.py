"""A watch's ear: what has come is told to the tracker, in parts if there is much of it."""

from __future__ import annotations

import pytest
import trio

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.callbacks import Callbacks
from legnext_stream._core.tracker import Tracker
from legnext_stream._webhooks.exchange import Exchange
from legnext_stream._webhooks.listener import Ear
from tests.legnext_stream.support import pacer_for
from tests.legnext_stream.webhooks.test_waiting import callback


async def test_much_is_taken_in_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch is woken again for what is left; jobs that aren't its own are passed over."""
    monkeypatch.setattr("legnext_stream._webhooks.exchange._AT_ONCE", 2)
    exchange = Exchange(lambda: 0.0)
    ends: list[str] = []
    woken: list[int] = []
    tracker = Tracker(
        pacing=Pacing(), timeout=None, pacer=pacer_for(Pacing()), callbacks=Callbacks()
    )

    def deliver(events: list[JobEvent], size: int) -> None:
        assert size > 0
        ends.extend(event.job_id for event in events)

    ear = Ear(exchange, tracker, deliver, lambda: woken.append(len(ends)))
    ear.close()
    ear.take_in()
    ear.open()
    for job_id in "abcd":
        tracker.add(0.0, job_id)
    for job_id in "abxcd":
        exchange.hand_over(callback(job_id))
    await trio.sleep(1)
    assert woken == [0]
    ear.take_in()
    # Those that have just come in find theirs at once, and what comes after that is old.
    assert ends == ["a", "b", "c", "d"]
    assert woken == [0, 2]
    ear.take_in()
    ear.take_in()
    assert ends == ["a", "b", "c", "d"]
    assert exchange.claim("x") is not None
    ear.close()
    ear.close()
    exchange.hand_over(callback("e"))
    await trio.sleep(1)
    assert len(woken) == 3
