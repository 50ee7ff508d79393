"""Records what one account does, and what each of its watches sees."""

from __future__ import annotations

from typing import Final

from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer

from legnext_stream._core.answers import Answer
from legnext_stream._core.model.events import JobEvent
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension
from legnext_stream._http import Request
from legnext_stream._telemetry.jobs import JobSpans
from legnext_stream._telemetry.metrics import Metrics
from legnext_stream._telemetry.requests import Requests, server_of
from legnext_stream._telemetry.settings import Telemetry
from legnext_stream._version import __version__

_NAME: Final = "legnext_stream"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.30.0"


class Recording:
    """Records what one account does. An `Observer` of it.

    Args:
        settings: Where to.
        account: The account; its lanes carry the requests.
    """

    def __init__(self, settings: Telemetry, account: Account) -> None:
        base_url = account.lanes.base_url
        meter = get_meter(_NAME, __version__, settings.meter_provider, _SCHEMA)
        tracer = get_tracer(_NAME, __version__, settings.tracer_provider, _SCHEMA)
        self._requests = Requests(account.lanes.send, base_url, meter=meter, tracer=tracer)
        self._metrics = Metrics(account, meter, server_of(base_url))
        self._jobs = JobSpans(tracer, settings.job_spans) if settings.job_spans else None

    async def send(self, request: Request) -> Answer:
        """Send one request."""
        self._metrics.refresh()
        return await self._requests.send(request)

    def extension(self) -> Extension:
        """Return what records a watch."""
        return RecordedWatch(self._metrics, self._jobs)

    def close(self) -> None:
        """The account is closed."""
        self._metrics.close()


class RecordedWatch(Extension):
    """Records what one watch sees.

    Args:
        metrics: The account's metrics.
        jobs: The account's open spans; None for no spans of jobs.
    """

    def __init__(self, metrics: Metrics, jobs: JobSpans | None) -> None:
        self._metrics = metrics
        self._jobs = jobs

    def observed(self, event: JobEvent) -> None:
        """A new event was made."""
        self._metrics.observed(event)
        self._metrics.refresh()
        if self._jobs is not None:
            self._jobs.observed(self, event)

    def ended(self) -> None:
        """The watch has ended."""
        self._metrics.refresh()
        if self._jobs is not None:
            self._jobs.ended(self)
