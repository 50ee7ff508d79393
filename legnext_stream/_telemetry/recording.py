"""Follows one account: what the account and its watches call where there is telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from legnext_stream._core.answers import Answer
from legnext_stream._core.model.events import JobEvent
from legnext_stream._http import Request
from legnext_stream._telemetry.jobs import JobSpans
from legnext_stream._telemetry.metrics import Numbers
from legnext_stream._telemetry.requests import Requests, server_of

if TYPE_CHECKING:
    from legnext_stream._engine.account import Account


class Follower:
    """Records what one account does.

    Args:
        account: The account; its lanes carry the requests.
        meter: Makes the instruments.
        tracer: Makes the spans.
        job_spans: For how many jobs at a time a span may be open.
    """

    def __init__(self, account: Account, meter: Meter, tracer: Tracer, *, job_spans: int) -> None:
        base_url = account.lanes.base_url
        self._requests = Requests(account.lanes.send, base_url, meter=meter, tracer=tracer)
        self._numbers = Numbers(account, meter, server_of(base_url))
        self._jobs = JobSpans(tracer, job_spans) if job_spans else None

    async def send(self, request: Request) -> Answer:
        """Carry one request."""
        self._numbers.refresh()
        return await self._requests.send(request)

    def told(self, watch: object, event: JobEvent) -> None:
        """A watch has made an event."""
        self._numbers.told(event)
        self._numbers.refresh()
        if self._jobs is not None:
            self._jobs.told(watch, event)

    def left(self, watch: object) -> None:
        """A watch is over."""
        self._numbers.refresh()
        if self._jobs is not None:
            self._jobs.left(watch)

    def close(self) -> None:
        """The account is closed."""
        self._numbers.close()
