"""Which requests a fault meets: what is known of a request, and the criteria for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from mockserver._world.routes import is_fault_route_word

if TYPE_CHECKING:
    from mockserver._world.routes import Route


# Assigned once, by the generated `__init__`: a frozen class takes three times as long to make, and
# one is made for every request.
@attrs.define(on_setattr=attrs.setters.frozen, unsafe_hash=True)
class RequestFacts:
    """What is known of a request when it arrives.

    Attributes:
        at: When that is, in seconds since the world's start.
        method: Its method, e.g. `"GET"`.
        path: Its path, as it was sent, without the query.
        route: The route it is for, or None where no route answers it.
        job_id: The job that its path names, or None where it names none.
        key: Whose it is: the API key, empty for none.
    """

    at: float
    method: str
    path: str
    route: Route | None
    job_id: str | None
    # It must come into no message.
    key: str = attrs.field(default="", repr=False)


def _upper(method: str | None) -> str | None:
    return None if method is None else method.upper()


def _is_share(_instance: object, _attribute: object, value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"probability must be from 0 to 1, not {value}")


def _is_count(_instance: object, attribute: attrs.Attribute[int | None], value: object) -> None:
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ValueError(f"{attribute.name} must be a whole number, 1 or more, not {value!r}")


def _is_time(
    _instance: object, attribute: attrs.Attribute[float | None], value: float | None
) -> None:
    if value is not None and not value >= 0:
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more, not {value}")


def _ends_later(when: When, _attribute: object, until: float | None) -> None:
    if until is not None and not until > (when.after or 0):
        raise ValueError(f"until ({until}) must be later than after ({when.after or 0})")


@attrs.frozen
class When:
    """Criteria for requests; those that are None leave the matter open.

    `nth` and `every` count the requests that meet route, method and job and come in the window of
    time; `probability` is then that of each request which is left.

    Attributes:
        route: A route's template, like `"GET /api/v1/job/{job_id}"`, or its short name: `"job"`,
            `"submit"` for the submits of all task types, `"diffusion"` for those of one,
            `"balance"` and so on; `"file"` for the files of results.
        method: A method, e.g. `"GET"`.
        job: A job's id: requests for its status, and for its files.
        after: The beginning of a window of time, in seconds since the world's start.
        until: Its end, which is outside of it.
        nth: That one request only, the first being 1.
        every: Every so-many-th request.
        each_job: Whether `nth` and `every` count the requests for each job by themselves;
            no other requests are then met.
        probability: From 0 to 1.

    Raises:
        ValueError: A criterion that nothing can meet, or that isn't one.
    """

    route: str | None = attrs.field(default=None, validator=is_fault_route_word)
    method: str | None = attrs.field(default=None, converter=_upper)
    job: str | None = None
    nth: int | None = attrs.field(default=None, validator=_is_count)
    every: int | None = attrs.field(default=None, validator=_is_count)
    probability: float | None = attrs.field(default=None, validator=_is_share)
    after: float | None = attrs.field(default=None, validator=_is_time)
    until: float | None = attrs.field(default=None, validator=[_is_time, _ends_later])
    each_job: bool = False

    @property
    def needs_request(self) -> bool:
        """Whether only a request, and no connection by itself, can meet these criteria."""
        return not (self.route is self.method is self.job is None) or self.each_job

    def has_time(self, at: float) -> bool:
        """Whether a time lies in the window."""
        return (self.after or 0.0) <= at < (math.inf if self.until is None else self.until)

    def fits(self, request: RequestFacts) -> bool:
        """Whether a request meets all criteria but those that count or draw."""
        return (
            self.has_time(request.at)
            and (self.job is None or request.job_id == self.job)
            and (self.method is None or request.method == self.method)
            and (self.route is None or _is_for(request.route, self.route))
            and not (self.each_job and request.job_id is None)
        )

    def counts(self, number: int) -> bool:
        """Whether `nth` and `every` let the `number`-th of the requests through, from 1 on."""
        return (self.nth is None or number == self.nth) and (
            self.every is None or number % self.every == 0
        )


def _is_for(route: Route | None, word: str) -> bool:
    return route is not None and word in route.words
