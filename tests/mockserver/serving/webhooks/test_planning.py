"""What is planned for a message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Uniform, WebhookSettings
from mockserver._serving.webhooks.planning import Attempt, attempts_of, lag_of, retry_of
from mockserver._world.randomness import Randomness
from tests.mockserver.serving.webhooks.messages import message


def test_by_default_a_message_is_sent_once_and_at_once() -> None:
    """By default a message is sent once, without delay."""
    assert attempts_of(WebhookSettings(), Randomness(0), message(40)) == (Attempt(message(40), 40),)


def test_a_message_can_meet_with_everything() -> None:
    """A message can be late, doubled, lost and overtaken at the same time."""
    settings = WebhookSettings(
        delay=2.5,
        lost_share=1,
        duplicate_share=1,
        duplicate_after=4,
        overtaken_share=1,
        overtaken_within=30,
    )
    told = message(40)
    assert attempts_of(settings, Randomness(0), told) == (
        Attempt(told, 42.5, is_lost=True, overtaken_by=72.5),
        Attempt(told, 46.5, copy=1, is_lost=True),
    )


@given(st.integers(), st.floats(0, 1e6))
def test_delays_are_drawn_from_their_distribution(seed: int, changed_at: float) -> None:
    """The first copy is delayed from the change, the second from the first."""
    settings = WebhookSettings(
        delay=Uniform(1, 3), duplicate_share=1, duplicate_after=Uniform(10, 20)
    )
    first, second = attempts_of(settings, Randomness(seed), message(changed_at))
    assert changed_at + 1 <= first.at <= changed_at + 3
    assert first.at + 10 <= second.at <= first.at + 20


@pytest.mark.parametrize(
    "name", ["lost_share", "duplicate_share", "overtaken_share", "early_share"]
)
def test_shares_are_kept(name: str) -> None:
    """The shares hold for a thousand messages, within tolerance."""
    setting: dict[str, Any] = {name: 0.3}
    settings = WebhookSettings(**setting)

    def concerned(randomness: Randomness) -> set[int]:
        if name == "early_share":
            return {number for number in range(1000) if lag_of(settings, randomness, f"{number}")}
        plain = WebhookSettings()
        return {
            number
            for number in range(1000)
            if attempts_of(settings, randomness, message(number=number))
            != attempts_of(plain, randomness, message(number=number))
        }

    chosen = concerned(Randomness(7))
    # Four standard deviations of a binomial distribution.
    assert abs(len(chosen) - 300) < 4 * (1000 * 0.3 * 0.7) ** 0.5
    assert chosen == concerned(Randomness(7)) != concerned(Randomness(8))


def test_a_change_of_one_setting_changes_nothing_else() -> None:
    """Each setting has its own draws."""
    few = WebhookSettings(lost_share=0.5, duplicate_share=0.1)
    many = WebhookSettings(lost_share=0.5, duplicate_share=0.9)
    for number in range(100):
        told = message(number=number)
        assert attempts_of(few, Randomness(1), told)[0] == attempts_of(many, Randomness(1), told)[0]


def test_retries_follow_their_list() -> None:
    """Each retry follows the end of the attempt before it, as listed."""
    settings = WebhookSettings(retries=(1, 10))
    attempt: Attempt | None = Attempt(message(40), 40, copy=1, overtaken_by=60)
    made = []
    while attempt is not None:
        made.append((attempt.number, attempt.at, attempt.copy))
        attempt = retry_of(settings, attempt, attempt.at + 5)
    assert made == [(1, 40, 1), (2, 46, 1), (3, 61, 1)]


def test_the_lag_is_drawn_for_the_job() -> None:
    """The lag of a job is the same for all requests."""
    settings = WebhookSettings(early_share=1, early_by=Uniform(2, 9))
    lags = [lag_of(settings, Randomness(0), f"{number}") for number in range(50)]
    assert all(2 <= lag <= 9 for lag in lags)
    assert lags == [lag_of(settings, Randomness(0), f"{number}") for number in range(50)]
    assert lag_of(WebhookSettings(), Randomness(0), "0") == 0
