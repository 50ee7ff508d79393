"""The settings of webhooks."""

from __future__ import annotations

import attrs
from attrs.validators import deep_iterable

from mockserver._world.checks import is_count, is_positive, is_seconds, is_share, texts
from mockserver._world.durations import Distribution


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
    statuses: tuple[str, ...] = attrs.field(default=("completed", "failed"), converter=texts)
    delay: float | Distribution = attrs.field(default=0.0, validator=is_seconds)
    early_share: float = attrs.field(default=0.0, validator=is_share)
    early_by: float | Distribution = attrs.field(default=5.0, validator=is_seconds)
    lost_share: float = attrs.field(default=0.0, validator=is_share)
    duplicate_share: float = attrs.field(default=0.0, validator=is_share)
    duplicate_after: float | Distribution = attrs.field(default=1.0, validator=is_seconds)
    overtaken_share: float = attrs.field(default=0.0, validator=is_share)
    overtaken_within: float = attrs.field(default=60.0, validator=is_seconds)
    retries: tuple[float, ...] = attrs.field(default=(), validator=deep_iterable(is_seconds))
    timeout: float = attrs.field(default=10.0, validator=is_positive)
    at_once: int = attrs.field(default=100, validator=is_count)
    allowed_hosts: tuple[str, ...] = attrs.field(default=(), converter=texts)
    keep: int | None = attrs.field(default=None, validator=is_count)
