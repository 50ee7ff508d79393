"""Callbacks that wait for a watch: for a while, and not too many."""

from __future__ import annotations

import pytest

from legnext_stream._webhooks import waiting
from legnext_stream._webhooks.callback import Callback, read_callback
from legnext_stream._webhooks.waiting import Waiting
from tests.legnext_stream.webhooks.support import body_of


def callback(job_id: str = "a", status: str = "completed") -> Callback:
    """A callback about a job."""
    made = read_callback(body_of(job_id, status))
    assert made is not None
    return made


def test_it_is_taken_once() -> None:
    """A watch that has the job takes it."""
    kept, one = Waiting(), callback()
    assert kept.keep(0.0, one) == 0
    assert kept.take("b") is None
    assert kept.take("a") is one
    assert kept.take("a") is None


def test_of_a_job_the_end_counts() -> None:
    """In whichever order they came; otherwise the latest is kept."""
    kept = Waiting()
    running, again, end = callback(status="processing"), callback(status="retry"), callback()
    kept.keep(0.0, running)
    kept.keep(0.0, again)
    assert kept.take("a") is again
    kept.keep(0.0, end)
    kept.keep(0.0, running)
    assert len(kept._kept) == 1
    assert kept.take("a") is end


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """In time, in number and in bytes; the oldest is dropped, and counted."""
    kept = Waiting()
    kept.keep(0.0, callback("a"))
    assert kept.keep(601.0, callback("b")) == 1
    monkeypatch.setattr(waiting, "_MOST", 2)
    assert kept.keep(601.0, callback("c")) == 0
    assert kept.keep(601.0, callback("d")) == 1
    assert kept.take("b") is None
    monkeypatch.setattr(waiting, "_MOST_BYTES", callback("e").size)
    assert kept.keep(601.0, callback("e")) == 2
    monkeypatch.setattr(waiting, "_MOST_BYTES", 1)
    assert kept.keep(601.0, callback("f")) == 2
    assert not kept._kept
