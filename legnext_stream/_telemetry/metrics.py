"""The statistics of a client's watches, as instruments of OpenTelemetry.

All instruments are synchronous, because asynchronous ones are read in a thread of the SDK, which must not
look into what a watch is working on. So each refresh adds the difference from the one before. That way sums
over several clients are right, and the levels of a closed client go away.
"""

from __future__ import annotations

from collections import Counter as Counts
from typing import Final

from opentelemetry.metrics import Counter, Meter, UpDownCounter

from legnext_stream._core.model.events import JobEvent
from legnext_stream._engine.account import Account
from legnext_stream._telemetry.requests import Attributes

_STATUS: Final = "legnext_stream.job.status"
_BOUND: Final = "legnext_stream.bound"
_UNSEEN: Final = "unseen"
# Seconds: a detection takes from a tenth of a second to a minute.
_BUCKETS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)


class Metrics:
    """Adds the counts of an account to the instruments; `server` has the attributes that name its host."""

    def __init__(self, account: Account, meter: Meter, server: Attributes) -> None:
        self._account = account
        self._server = server
        # What was added so far.
        self._added: Counts[str] = Counts()
        self._added_jobs: Counts[str] = Counts()
        self._rate = 0.0

        def counter(name: str, unit: str, what: str) -> Counter:
            return meter.create_counter(f"legnext_stream.{name}", unit, what)

        def level(name: str, unit: str, what: str) -> UpDownCounter:
            return meter.create_up_down_counter(f"legnext_stream.{name}", unit, what)

        self._counters = {
            "polls": counter("polls", "{request}", "Status requests that have ended."),
            "retries": counter("retries", "{request}", "Polls that repeated a failed one."),
            "rate_limited": counter("refusals", "{request}", "Polls that were answered 429."),
            "troubles": counter("troubles", "{request}", "Polls that failed in any other way."),
            "submits_limited": counter(
                "submit.refusals", "{request}", "Submits that were answered 429."
            ),
            "submits": counter("submits", "{request}", "Submits of `generate` that have ended."),
            "prompts": counter("prompts", "{prompt}", "Prompts taken in by `generate`."),
        }
        self._jobs = level("jobs", "{job}", "Jobs by their last observed status.")
        self._in_flight = level("requests.in_flight", "{request}", "Requests in flight.")
        self._allowed = level("pace.rate", "{request}/s", "Status requests a second allowed now.")
        self._events = counter("events", "{event}", "Observed changes of jobs.")
        self._delays = meter.create_histogram(
            "legnext_stream.detection.delay",
            "s",
            "Time from a change until it was observed: its lower and its upper bound.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )

    def observed(self, event: JobEvent) -> None:
        """A new event was made."""
        attributes = {**self._server, _STATUS: event.status.value}
        self._events.add(1, attributes)
        earliest, latest = event.changed_between
        self._delays.record(max(event.observed_at - latest, 0.0), {**attributes, _BOUND: "least"})
        if earliest is not None:
            most = max(event.observed_at - earliest, 0.0)
            self._delays.record(most, {**attributes, _BOUND: "most"})

    def refresh(self) -> None:
        """Add what has changed since the last call."""
        total, pacer = self._account.total(), self._account.pacer
        jobs = {status.value: number for status, number in total.jobs.items()}
        self._add({name: getattr(total, name) for name in self._counters})
        self._add_levels(
            {**jobs, _UNSEEN: total.unseen}, in_flight=pacer.in_flight, rate=pacer.rate
        )

    def close(self) -> None:
        """Take away the levels, which last only as long as the client."""
        self.refresh()
        self._add_levels({}, in_flight=0, rate=0.0)

    def _add(self, counts: dict[str, int]) -> None:
        for name, count in counts.items():
            if more := count - self._added[name]:
                self._counters[name].add(more, self._server)
                self._added[name] = count

    def _add_levels(self, jobs: dict[str, int], *, in_flight: int, rate: float) -> None:
        for status in {*jobs, *self._added_jobs}:
            if more := jobs.get(status, 0) - self._added_jobs[status]:
                self._jobs.add(more, {**self._server, _STATUS: status})
                self._added_jobs[status] += more
        if more := in_flight - self._added["in_flight"]:
            self._in_flight.add(more, self._server)
            self._added["in_flight"] = in_flight
        if rate != self._rate:
            self._allowed.add(rate - self._rate, self._server)
            self._rate = rate
