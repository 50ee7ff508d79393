"""The settings of webhooks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import attrs

from mockserver._world.durations import Distribution


def _share(_settings: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, not {value!r}")


def _duration(
    _settings: object, attribute: attrs.Attribute[Any], value: float | Distribution
) -> None:
    if isinstance(value, (int, float)) and not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more, not {value!r}")


def _durations(
    settings: object, attribute: attrs.Attribute[Any], values: tuple[float, ...]
) -> None:
    for value in values:
        _duration(settings, attribute, value)


def _above_zero(_settings: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name} must be above 0, not {value!r}")


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected several texts, not the one text {given!r}")
    return tuple(given)


@attrs.frozen(kw_only=True)
class WebhookSettings:
    """Where webhooks are sent, when, and what goes wrong.

    What happens to a message is drawn from the world's seed, for each message by itself. Durations
    are seconds of the world, or a distribution of them, unless said otherwise.

    Attributes:
        secret: The key of the signatures; empty for messages without a signature.
        timestamped: Whether a message says when it was sent; its signature then covers that time.
        statuses: The statuses to report, for jobs with a callback.
        delay: The time from a job's change to the message about it.
        early_share: The share of jobs whose messages come before status requests show the change.
        early_by: How far status requests lag behind for these jobs.
        lost_share: The share of messages that never arrive.
        duplicate_share: The share of messages that arrive twice.
        duplicate_after: The time from the first copy to the second.
        overtaken_share: The share of messages that arrive in the wrong order: each waits until a
            later one to the same URL has been answered.
        overtaken_within: The longest such wait, in seconds.
        retries: The wait before each retry of an attempt that fails or isn't answered with 2xx, in
            seconds. `(1, 10, 60)` makes at most four attempts; the default makes one, as the service
            publishes no policy.
        timeout: How long a receiver may take, in seconds of the clock whatever the `time_scale`.
        at_once: The most attempts in progress at the same time.
        allowed_hosts: Hosts, by name or address, to which messages may be sent in addition to this
            machine.
        keep: How many of the latest deliveries the journal keeps; None for all.

    Raises:
        ValueError: A setting is out of its range.
        TypeError: A setting is one text rather than several.
    """

    secret: str = attrs.field(default="", repr=False)
    timestamped: bool = False
    statuses: tuple[str, ...] = attrs.field(default=("completed", "failed"), converter=_texts)
    delay: float | Distribution = attrs.field(default=0.0, validator=_duration)
    early_share: float = attrs.field(default=0.0, validator=_share)
    early_by: float | Distribution = attrs.field(default=5.0, validator=_duration)
    lost_share: float = attrs.field(default=0.0, validator=_share)
    duplicate_share: float = attrs.field(default=0.0, validator=_share)
    duplicate_after: float | Distribution = attrs.field(default=1.0, validator=_duration)
    overtaken_share: float = attrs.field(default=0.0, validator=_share)
    overtaken_within: float = attrs.field(default=60.0, validator=_duration)
    retries: tuple[float, ...] = attrs.field(default=(), validator=_durations)
    timeout: float = attrs.field(default=10.0, validator=_above_zero)
    at_once: int = attrs.field(default=100, validator=_above_zero)
    allowed_hosts: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    keep: int | None = attrs.field(default=None, validator=attrs.validators.optional(_above_zero))
