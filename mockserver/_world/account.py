"""What there is to spend, and what jobs cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from mockserver._world.tasks import TaskType, task_named

POINTS_A_DOLLAR: Final = 1000
"""Points and credits of one US dollar; it fits the balance of the published sample."""


def _are_prices(_instance: object, _attribute: object, prices: Mapping[str, int] | None) -> None:
    for name, points in (prices or {}).items():
        task_named(name)
        if points < 0:
            raise ValueError(f"the price of {name} must be 0 points or more, not {points}")


@attrs.frozen
class Account:
    """What there is to spend, and what jobs cost.

    Attributes:
        points: The points at the world's start; spent first.
        credits: The credits at the world's start, each worth a point.
        prices: Points of a job, by task type; types that aren't named cost what `TASKS` has.
        limited: Whether a job that can't be paid is refused (with 402). Otherwise what is spent
            shows in the balance, down to nothing, but the account never runs out.

    Raises:
        ValueError: A number below zero, or the price of no task type.
    """

    points: int = attrs.field(default=1048, validator=attrs.validators.ge(0))
    credits: int = attrs.field(default=71000, validator=attrs.validators.ge(0))
    prices: Mapping[str, int] | None = attrs.field(default=None, validator=_are_prices)
    limited: bool = False

    def price(self, task: TaskType) -> int:
        """What a job of this type costs, in points."""
        return task.points if self.prices is None else self.prices.get(task.name, task.points)


@attrs.frozen
class Balance:
    """The account's balance at one time, in points (a credit is worth a point).

    Attributes:
        available_points: Points that can be spent.
        available_credits: Credits that can be spent.
        frozen: What jobs cost that haven't ended.
        consumed: What jobs cost that have completed.
        refunded: What jobs would have cost that have failed.
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
        """What can be spent, in US dollars."""
        return self.available / POINTS_A_DOLLAR
