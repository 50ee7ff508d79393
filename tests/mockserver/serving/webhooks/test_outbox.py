"""The attempts to be made."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mockserver._serving.webhooks.outbox import Outbox
from mockserver._serving.webhooks.planning import Attempt
from tests.mockserver.serving.webhooks.messages import URLS, attempts, message


def outbox_of(*given: Attempt) -> Outbox:
    """An outbox with these attempts."""
    outbox = Outbox()
    outbox.add(given)
    return outbox


def taken(outbox: Outbox, *, releasing: bool) -> list[tuple[float, Attempt]]:
    """All attempts, with the times at which they were taken."""
    order = []
    while (t := outbox.next_at()) < math.inf:
        attempt = outbox.take(t)
        assert attempt is not None
        order.append((t, attempt))
        if releasing:
            outbox.release(attempt, t)
    return order


def test_attempts_are_taken_when_they_are_due() -> None:
    """Attempts are taken when due; those of the same time in the order of adding."""
    late, early, too = (Attempt(message(number=n), at) for n, at in enumerate((9.0, 5.0, 5.0)))
    outbox = outbox_of(late, early, too)
    assert (len(outbox.attempts()), outbox.next_at()) == (3, 5)
    assert outbox.take(4.9) is None
    assert [outbox.take(20) for _ in range(4)] == [early, too, late, None]
    assert (len(outbox.attempts()), outbox.next_at()) == (0, math.inf)


def test_an_empty_outbox_has_nothing_even_at_the_end_of_time() -> None:
    """An empty outbox has nothing due at infinity."""
    assert Outbox().take(math.inf) is None


def test_one_that_is_overtaken_goes_after_a_later_one_to_its_url() -> None:
    """Only a later change to the same URL overtakes a message."""
    slow = Attempt(message(10), 10, overtaken_by=70)
    outbox = outbox_of(slow)
    assert outbox.take(69) is None
    outbox.release(Attempt(message(9), 30), 31)
    outbox.release(Attempt(message(20, URLS[1]), 30), 31)
    assert outbox.next_at() == 70
    outbox.release(Attempt(message(20), 30), 31)
    assert outbox.next_at() == 31
    released = outbox.take(31)
    assert released is not None
    assert (released.message, released.overtaken_by) == (slow.message, None)
    assert outbox.next_at() == math.inf


def test_patience_ends() -> None:
    """A message that nothing overtakes is due at its time limit."""
    slow = Attempt(message(10), 10, overtaken_by=70)
    outbox = outbox_of(slow)
    assert outbox.take(70) == slow
    outbox.release(Attempt(message(20), 80), 80)
    assert len(outbox.attempts()) == 0


def test_none_goes_before_its_own_time() -> None:
    """An overtaken message still keeps its own delay."""
    outbox = outbox_of(Attempt(message(10), 50, overtaken_by=110))
    outbox.release(Attempt(message(20), 20), 21)
    assert outbox.next_at() == 50


@given(st.lists(attempts()), st.booleans())
def test_each_is_taken_once_in_the_order_of_time(given: list[Attempt], releasing: bool) -> None:  # noqa: FBT001 - drawn
    """All attempts are taken once, in order, and never early."""
    outbox = outbox_of(*given)
    order = taken(outbox, releasing=releasing)
    assert [t for t, _ in order] == sorted(t for t, _ in order)
    assert all(t >= attempt.at for t, attempt in order)
    assert sorted(attempt.message.changed_at for _, attempt in order) == sorted(
        attempt.message.changed_at for attempt in given
    )
    assert len(outbox.attempts()) == 0


@given(st.lists(attempts()), st.integers(0, 40), st.booleans())
def test_another_outbox_goes_on_the_same(
    given: list[Attempt],
    until: int,
    releasing: bool,  # noqa: FBT001 - drawn
) -> None:
    """An outbox made from the attempts of another continues in the same way."""
    outbox = outbox_of(*given)
    while (attempt := outbox.take(until)) is not None:
        outbox.release(attempt, until)
    other = outbox_of(*outbox.attempts())
    assert len(other.attempts()) == len(outbox.attempts())
    assert taken(other, releasing=releasing) == taken(outbox, releasing=releasing)
