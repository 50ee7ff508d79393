"""The hand-over between threads: nothing is lost in between, and nothing piles up."""

from __future__ import annotations

import threading

import pytest

from legnext_stream._webhooks import exchange as module
from legnext_stream._webhooks.exchange import Exchange
from tests.legnext_stream.webhooks.test_waiting import callback


def nobody() -> None:
    """Do nothing."""


def test_each_watch_gets_everything() -> None:
    """And is woken for it; a watch that has ended gets nothing."""
    exchange, woken = Exchange(lambda: 0.0), []
    first = exchange.open(lambda: woken.append(1))
    second = exchange.open(lambda: woken.append(2))
    a, b = callback("a"), callback("b")
    exchange.put(a)
    exchange.close(first)
    exchange.put(b)
    exchange.hint("c")
    assert woken == [1, 2, 2, 2]
    assert exchange.take(first) == ([a], [], False)
    assert exchange.take(second) == ([a, b], ["c"], False)
    assert exchange.take(second) == ([], [], False)


def test_what_nobody_has_asked_about_waits() -> None:
    """Until it is claimed or has waited too long, which is counted."""
    now = [0.0]
    exchange = Exchange(lambda: now[0])
    a = callback("a")
    exchange.put(a)
    assert exchange.claim("a") is a
    assert exchange.claim("a") is None
    exchange.put(a)
    now[0] = 601.0
    exchange.put(callback("b"))
    assert exchange.forgotten == 1
    assert exchange.claim("a") is None


def test_an_inbox_is_emptied_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that others get their turn; hints are said once, in the order in which they came."""
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    exchange = Exchange(lambda: 0.0)
    inbox = exchange.open(nobody)
    called = [callback(job_id) for job_id in "abc"]
    for each in called:
        exchange.put(each)
    for job_id in "xyzx":
        exchange.hint(job_id)
    assert exchange.take(inbox) == (called[:2], ["x", "y"], True)
    assert exchange.take(inbox) == (called[2:], ["z"], False)


def test_an_inbox_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest callbacks and the newest hints are dropped: polling finds out."""
    exchange = Exchange(lambda: 0.0)
    inbox = exchange.open(nobody)
    called = [callback(job_id) for job_id in "abcd"]
    monkeypatch.setattr(module, "_MOST", 3)
    for each in called:
        exchange.put(each)
        exchange.hint(each.job_id)
    assert exchange.take(inbox) == (called[1:], ["a", "b", "c"], False)
    monkeypatch.setattr(module, "_MOST_BYTES", 2 * called[0].size)
    for each in called:
        exchange.put(each)
    assert exchange.take(inbox)[0] == called[2:]


def test_threads() -> None:
    """Of callbacks from several threads and ids from others, each pair meets."""
    exchange, met, number = Exchange(lambda: 0.0), set(), 400
    known: set[str] = set()
    inbox = exchange.open(nobody)
    begin = threading.Barrier(4)

    def call(first: int) -> None:
        begin.wait()
        for n in range(first, number, 3):
            exchange.put(callback(f"job-{n}"))

    threads = [threading.Thread(target=call, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    begin.wait()
    for n in range(number):
        # As a watch does it: it knows the job first, and looks then.
        known.add(f"job-{n}")
        if exchange.claim(f"job-{n}") is not None:
            met.add(f"job-{n}")
        callbacks, _, _ = exchange.take(inbox)
        met |= {each.job_id for each in callbacks if each.job_id in known}
    for thread in threads:
        thread.join()
    has_more = True
    while has_more:
        callbacks, _, has_more = exchange.take(inbox)
        met |= {each.job_id for each in callbacks}
    assert len(met) == number
