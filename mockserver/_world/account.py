"""The account's credit, and the prices of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from mockserver._world.tasks import TaskType, task_named

POINTS_A_DOLLAR: Final = 1000
"""Points or credits that one US dollar buys, from the balance in the published sample."""


def _are_prices(_instance: object, _attribute: object, prices: Mapping[str, int] | None) -> None:
    for name, points in (prices or {}).items():
        task_named(name)
        if points < 0:
            raise ValueError(f"the price of {name} must be 0 points or more, not {points}")


@attrs.frozen
class Account:
    """The account's credit, and the prices of jobs.

    Attributes:
        points: The points at the world's start; they are spent first.
        credits: The credits at the world's start, each worth a point.
        prices: The price of a job in points, by task type; the default is that of `TASKS`.
        limited: Whether a job that can't be paid for is refused (with 402). Otherwise the balance
            goes down to zero, but jobs are never refused.

    Raises:
        ValueError: A number below zero, or an unknown task type.
    """

    points: int = attrs.field(default=1048, validator=attrs.validators.ge(0))
    credits: int = attrs.field(default=71000, validator=attrs.validators.ge(0))
    prices: Mapping[str, int] | None = attrs.field(default=None, validator=_are_prices)
    limited: bool = False

    def price(self, task: TaskType) -> int:
        """The price of a job of this type, in points."""
        return task.points if self.prices is None else self.prices.get(task.name, task.points)


@attrs.frozen
class Balance:
    """The account's balance at one time, in points (a credit is worth a point).

    Attributes:
        available_points: Points that can be spent.
        available_credits: Credits that can be spent.
        frozen: The price of the unfinished jobs.
        consumed: The price of the completed jobs.
        refunded: The price of the failed jobs, which was given back.
    """

    available_points: int
    available_credits: int
    frozen: int
    consumed: int
    refunded: int

    @property
    def available(self) -> int:
        """Points and credits that can be spent."""
        return self.available_points + self.available_credits

    @property
    def usd(self) -> float:
        """Points and credits that can be spent, in US dollars."""
        return self.available / POINTS_A_DOLLAR
