"""Records what one account does, and what each of its watches sees."""

from __future__ import annotations

from typing import Final

import attrs
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

from legnext_stream._core.answers import Answer
from legnext_stream._core.model.events import JobEvent
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension
from legnext_stream._http import Request
from legnext_stream._telemetry.jobs import JobSpans
from legnext_stream._telemetry.metrics import Metrics
from legnext_stream._telemetry.requests import Requests, server_of
from legnext_stream._version import __version__

_NAME: Final = "legnext_stream"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.30.0"


@attrs.frozen(kw_only=True)
class Telemetry:
    """Where a client's metrics and traces go, for `LegnextClient(telemetry=…)`.

    It needs `pip install 'legnext-stream[telemetry]'`, which brings the API of OpenTelemetry alone:
    without an SDK that is set up nothing is recorded.

    Attributes:
        meter_provider: What makes meters; by default the global one.
        tracer_provider: What makes tracers; by default the global one.
        job_spans: For how many jobs at a time a span may be open, `legnext_stream.job`, from the first
            change that is seen of the job until its end. An open span takes up a few kilobytes, so
            further jobs have none. 0, the default, for no spans of jobs.

    Raises:
        ValueError: `job_spans` is below 0.
    """

    meter_provider: MeterProvider | None = None
    tracer_provider: TracerProvider | None = None
    job_spans: int = attrs.field(default=0, validator=attrs.validators.ge(0))


class Recording:
    """Records what one account does. An `Observer` of it."""

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
    """Records what one watch sees."""

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
