"""The caller's settings for when and how fast to poll."""

from __future__ import annotations

import math

import attrs
from attrs import Attribute


def _positive(_: object, attribute: Attribute[float], value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        msg = f"Pacing({attribute.name}=…) takes a number, not {value!r}"
        raise TypeError(msg)
    if not (math.isfinite(value) and value > 0):
        msg = f"Pacing({attribute.name}=…) must be above 0 and finite, not {value!r}"
        raise ValueError(msg)


def _count(_: object, attribute: Attribute[int], value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        msg = f"Pacing({attribute.name}=…) takes a whole number, not {value!r}"
        raise TypeError(msg)
    if value < 1:
        msg = f"Pacing({attribute.name}=…) must be at least 1, not {value!r}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Pacing:
    """When and how fast to poll. The defaults suit an account whose limits are not known.

    `poll_cost` is the cost of an inspection in Barlow, Hunter and Proschan, "Optimum checking
    procedures", J. SIAM 11, 1963: a running job is polled when the news of its end is expected to
    have been undetected for that long.

    Attributes:
        poll_cost: The price of a request, in seconds of delay. Lower it for earlier news and more
            requests, raise it for fewer.
        min_interval: A job is never polled twice within this many seconds.
        max_interval: A job that may be running is polled at least every this many seconds, as far as
            the rate allows.
        max_rate: The most requests a second, whatever the API permits.
        initial_rate: The requests a second to begin with, until more is known. It is lowered to
            `max_rate` if it is above it.
        max_in_flight: The most requests in flight at once.

    Raises:
        TypeError: A setting is not a number.
        ValueError: A setting is out of range, or `min_interval` is above `max_interval`.
    """

    poll_cost: float = attrs.field(default=0.12, validator=_positive)
    min_interval: float = attrs.field(default=1.0, validator=_positive)
    max_interval: float = attrs.field(default=60.0, validator=_positive)
    max_rate: float = attrs.field(default=50.0, validator=_positive)
    initial_rate: float = attrs.field(default=10.0, validator=_positive)
    max_in_flight: int = attrs.field(default=32, validator=_count)

    def __attrs_post_init__(self) -> None:
        if self.min_interval > self.max_interval:
            msg = (
                f"Pacing(min_interval={self.min_interval!r}) is above "
                f"max_interval={self.max_interval!r}"
            )
            raise ValueError(msg)
        if self.initial_rate > self.max_rate:
            # Users who lower max_rate shouldn't need a second setting.
            object.__setattr__(self, "initial_rate", self.max_rate)
