"""How many requests the account may make: every kind of limit a server may have."""

from mockserver._world.limits.changing import Concurrency, Scheduled
from mockserver._world.limits.limit import (
    ADMITTED,
    FORGIVEN,
    Admitted,
    Hint,
    Limit,
    Refused,
    Unlimited,
)
from mockserver._world.limits.rates import LeakyBucket, TokenBucket
from mockserver._world.limits.rules import LimitLike, LimitRule, LimitRules, RequestLike, Ticket
from mockserver._world.limits.windows import FixedWindow, SlidingWindow

__all__ = [
    "ADMITTED",
    "FORGIVEN",
    "Admitted",
    "Concurrency",
    "FixedWindow",
    "Hint",
    "LeakyBucket",
    "Limit",
    "LimitLike",
    "LimitRule",
    "LimitRules",
    "Refused",
    "RequestLike",
    "Scheduled",
    "SlidingWindow",
    "Ticket",
    "TokenBucket",
    "Unlimited",
]
