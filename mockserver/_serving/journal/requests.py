"""Queries, figures and assertions over requests."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NoReturn, TypedDict, Unpack, overload

import attrs
import msgspec

from mockserver._api.routes import nearest_route
from mockserver._serving.journal.figures import FORGIVEN, busiest_window, gaps, most_at_once
from mockserver._serving.journal.record import RequestRecord
from mockserver._world.routes import FAULT_WORDS, FILE, ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN: Final = 10
"""How many requests a failed assertion shows."""
_ATTRIBUTES: Final = RequestRecord.__struct_fields__


class Criteria(TypedDict, total=False):
    """Criteria for requests, all of which must fit.

    Attributes:
        method: The method, e.g. `"GET"`.
        route: The template of the route, e.g. `"GET /api/v1/job/{job_id}"`, or its short name, e.g.
            `"job"`; `"submit"` for the submits of all task types.
        path: The path, percent-encoded as it was sent.
        job_id: The job that the request is about, or that it made.
        status_code: The status of the answer, or several: `range(500, 600)`.
        after: No earlier than this, in seconds since the world's start.
        until: Before this, in seconds since the world's start.
    """

    method: str
    route: str
    path: str
    job_id: str | None
    status_code: int | Collection[int]
    after: float
    until: float


@attrs.frozen
class Unmatched:
    """A request without a route.

    Attributes:
        record: The request.
        nearest: The template of the route that is closest to it.
    """

    record: RequestRecord
    nearest: str

    def __str__(self) -> str:
        return f"{self.record}  (no such route; the nearest is {self.nearest})"


@functools.cache
def _templates(word: str) -> frozenset[str]:
    """The templates of the routes that a criterion means."""
    routes = (*ROUTES, FILE)
    if word not in FAULT_WORDS:
        names = ", ".join(["submit", *(route.name for route in routes)])
        raise ValueError(f"route must be a template or one of {names}; not {word!r}")
    return frozenset(route.template for route in routes if word in route.words)


def _fits(record: RequestRecord, wanted: Criteria) -> bool:
    if "status_code" in wanted:
        codes = wanted["status_code"]
        if record.status_code not in ((codes,) if isinstance(codes, int) else codes):
            return False
    return (
        ("method" not in wanted or record.method == wanted["method"])
        and ("path" not in wanted or record.path == wanted["path"])
        and ("job_id" not in wanted or record.job_id == wanted["job_id"])
        and ("after" not in wanted or record.at >= wanted["after"])
        and ("until" not in wanted or record.at < wanted["until"])
        and ("route" not in wanted or record.route in _templates(wanted["route"]))
    )


def _words(wanted: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in wanted.items()) or "any request"


class Requests:
    """Requests in the order of arrival: a journal, or a selection of one.

    An assertion that doesn't hold raises `AssertionError`, with the requests that break it.

    Args:
        records: The requests, in the order of arrival.
    """

    def __init__(self, records: Iterable[RequestRecord] = ()) -> None:
        self._records: list[RequestRecord] = list(records)

    def _sorted(self) -> list[RequestRecord]:
        return self._records

    # Reading

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(tuple(self._sorted()))

    @overload
    def __getitem__(self, index: int) -> RequestRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[RequestRecord]: ...

    def __getitem__(self, index: int | slice) -> RequestRecord | list[RequestRecord]:
        """One record, or those of a slice."""
        return self._sorted()[index]

    def dump(self, *, without: Collection[str] = ()) -> bytes:
        """The requests as JSON, one a line.

        Args:
            without: The names of attributes to leave out, e.g. `["faults"]` to compare the journals
                of a mock and of its replay, which has no fault rules.

        Raises:
            ValueError: There is no such attribute.
        """
        if unknown := set(without).difference(_ATTRIBUTES):
            raise ValueError(f"requests have no {', '.join(sorted(unknown))}")
        names = [name for name in _ATTRIBUTES if name not in without]
        lines = ({name: getattr(record, name) for name in names} for record in self._sorted())
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} requests>"

    # Queries

    def select(self, **wanted: Unpack[Criteria]) -> Requests:
        """Select the requests that fit: `requests.select(route="job", status_code=429)`.

        Args:
            **wanted: See `Criteria`.

        Raises:
            ValueError: There is no such route.
        """
        return Requests(record for record in self._sorted() if _fits(record, wanted))

    def count(self, **wanted: Unpack[Criteria]) -> int:
        """Count the requests that fit.

        Args:
            **wanted: See `Criteria`.

        Raises:
            ValueError: There is no such route.
        """
        return len(self.select(**wanted))

    @property
    def unmatched(self) -> list[Unmatched]:
        """The requests without a route, each with the closest route."""
        return [
            Unmatched(record, nearest_route(record.method, record.path).template)
            for record in self._sorted()
            if record.route is None
        ]

    # Figures

    def smallest_gap(self, *, per_job: bool = True) -> float:
        """The shortest time between two consecutive requests, in seconds.

        Args:
            per_job: Whether only requests for the same job are compared.

        Returns:
            The seconds; infinite if there aren't two.
        """
        return min(
            (gap.seconds for gap in gaps(self._sorted(), per_job=per_job)), default=float("inf")
        )

    def highest_rate(self, window: float = 1.0) -> float:
        """The most requests a second over any `window` seconds.

        Windows are half-open: two requests exactly `window` seconds apart are never in the same one.

        Raises:
            ValueError: `window` isn't above 0.
        """
        return len(busiest_window(self._sorted(), window)) / window

    def most_at_once(self) -> int:
        """The most requests that were in progress at one time."""
        return len(most_at_once(self._sorted()))

    # Assertions

    def assert_count(
        self,
        exactly: int | None = None,
        *,
        at_least: int = 0,
        at_most: int | None = None,
        **wanted: Unpack[Criteria],
    ) -> None:
        """Check the number of requests that fit.

        Args:
            exactly: This many.
            at_least: No fewer than this.
            at_most: No more than this.
            **wanted: See `Criteria`.

        Raises:
            AssertionError: The number is another.
            ValueError: There is no such route.
        """
        __tracebackhide__ = True
        low, high = (at_least, at_most) if exactly is None else (exactly, exactly)
        found = self.select(**wanted)
        if len(found) < low or (high is not None and len(found) > high):
            if low == high:
                expected = str(low)
            elif high is None:
                expected = f"at least {low}"
            else:
                expected = f"{low} to {high}"
            # If some are missing, show what came instead.
            shown = found if len(found) > low else self
            _fail(f"{len(found)} requests, not {expected}: {_words(wanted)}", shown)

    def assert_order(self, *steps: Criteria) -> None:
        """Check that requests came in this order; there may be others between them.

            requests.assert_order({"route": "diffusion"}, {"route": "job", "job_id": job_id})

        Args:
            *steps: The criteria of each request; see `Criteria`.

        Raises:
            AssertionError: No request fits a step after those before it.
            ValueError: There is no such route.
        """
        __tracebackhide__ = True
        rest = iter(self._sorted())
        found: list[RequestRecord] = []
        for number, wanted in enumerate(steps, 1):
            match = next((record for record in rest if _fits(record, wanted)), None)
            if match is None:
                before = f"after {found[-1]}" if found else "at all"
                others = self.count(**wanted)
                earlier = f"; there are {others} earlier" if others else ""
                _fail(f"step {number} ({_words(wanted)}) did not come {before}{earlier}", self)
            found.append(match)

    def assert_gap(self, seconds: float, *, per_job: bool = True) -> None:
        """Check that no two requests came too close together.

        Args:
            seconds: The shortest allowed time between a request and the next.
            per_job: Whether only requests for the same job are compared.

        Raises:
            AssertionError: Some came sooner.
        """
        __tracebackhide__ = True
        close = [
            gap for gap in gaps(self._sorted(), per_job=per_job) if gap.seconds < seconds - FORGIVEN
        ]
        if close:
            close.sort(key=lambda gap: gap.seconds)
            about = f" about job {close[0].after.job_id}" if per_job else ""
            _fail(
                f"{len(close)} requests came less than {seconds:g} s after the one before,"
                f" the closest {close[0].seconds:g} s{about}",
                [record for gap in close for record in (gap.before, gap.after)],
            )

    def assert_rate(self, most: float, window: float = 1.0) -> None:
        """Check the rate of requests over every window of time.

        Args:
            most: The most requests a second.
            window: The length of the window, in seconds: `assert_rate(0.5, window=60)` allows 30 in
                any minute, however they are spread over it.

        Raises:
            AssertionError: There was a window with more.
            ValueError: `window` isn't above 0.
        """
        __tracebackhide__ = True
        busiest = busiest_window(self._sorted(), window)
        if len(busiest) > most * window + FORGIVEN:
            _fail(
                f"{len(busiest)} requests within {window:g} s ({len(busiest) / window:g} a second),"
                f" more than {most:g} a second",
                busiest,
            )

    def assert_concurrency(self, most: int) -> None:
        """Check how many requests were in progress at one time.

        Args:
            most: The most that may be in progress.

        Raises:
            AssertionError: There were more.
        """
        __tracebackhide__ = True
        busiest = most_at_once(self._sorted())
        if len(busiest) > most:
            _fail(f"{len(busiest)} requests in progress at once, more than {most}", busiest)

    def assert_matched(self) -> None:
        """Check that every request has a route.

        Raises:
            AssertionError: Some have none; the message names the closest.
        """
        __tracebackhide__ = True
        unmatched = self.unmatched
        if unmatched:
            _fail(f"{len(unmatched)} requests without a route", unmatched)


def _fail(what: str, shown: Iterable[object]) -> NoReturn:
    """Raise the error of an assertion that doesn't hold, with some requests."""
    __tracebackhide__ = True
    lines = [str(one) for one in shown]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"… and {len(lines) - _SHOWN} more"]
    raise AssertionError("\n".join([what, *(f"  {line}" for line in lines)]))
