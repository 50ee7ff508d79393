"""The criteria by which a fault meets requests."""

from __future__ import annotations

import math

import attrs

from mockserver._world.checks import is_count, is_share
from mockserver._world.routes import RequestFacts, is_fault_route_word


def _upper(method: str | None) -> str | None:
    return None if method is None else method.upper()


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
    """Criteria for requests, all of which must be met; None for no criterion.

    `nth` and `every` count the requests that meet the criteria of route, method, job and time.
    `probability` applies to each request that meets all others.

    Attributes:
        route: A route's template, like `"GET /api/v1/job/{job_id}"`, or its short name: `"job"`,
            `"submit"` for the submits of all task types, `"diffusion"` for those of one,
            `"balance"` and so on; `"file"` for the files of results.
        method: A method, e.g. `"GET"`.
        job: A job's id: requests for its status, and for its files.
        after: The beginning of a window of time, in seconds since the world's start.
        until: The end of the window, which is excluded.
        nth: Only this request, counted from 1.
        every: Every nth request.
        each_job: Whether `nth` and `every` count the requests for each job separately; requests
            without a job then aren't met.
        probability: From 0 to 1.

    Raises:
        ValueError: A criterion that isn't one, or that no request can meet.
    """

    route: str | None = attrs.field(default=None, validator=is_fault_route_word)
    method: str | None = attrs.field(default=None, converter=_upper)
    job: str | None = None
    nth: int | None = attrs.field(default=None, validator=is_count)
    every: int | None = attrs.field(default=None, validator=is_count)
    probability: float | None = attrs.field(default=None, validator=is_share)
    after: float | None = attrs.field(default=None, validator=_is_time)
    until: float | None = attrs.field(default=None, validator=[_is_time, _ends_later])
    each_job: bool = False

    @property
    def needs_request(self) -> bool:
        """Whether only a request can meet these criteria, and no connection as a whole."""
        return not (self.route is self.method is self.job is None) or self.each_job

    def has_time(self, at: float) -> bool:
        """Whether a time is in the window."""
        return (self.after or 0.0) <= at < (math.inf if self.until is None else self.until)

    def fits(self, request: RequestFacts) -> bool:
        """Whether a request meets all criteria except those of counting and chance."""
        return (
            self.has_time(request.at)
            and (self.job is None or request.job_id == self.job)
            and (self.method is None or request.method == self.method)
            and (self.route is None or request.is_for(self.route))
            and not (self.each_job and request.job_id is None)
        )

    def counts(self, number: int) -> bool:
        """Whether request `number`, counted from 1, meets `nth` and `every`."""
        return (self.nth is None or number == self.nth) and (
            self.every is None or number % self.every == 0
        )
