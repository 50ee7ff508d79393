"""What a caller says about telemetry."""

from __future__ import annotations

import attrs
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider


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
