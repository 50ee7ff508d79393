"""What a caller says about telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from opentelemetry.metrics import Meter, MeterProvider, get_meter
from opentelemetry.trace import Tracer, TracerProvider, get_tracer

from legnext_stream.version import __version__

if TYPE_CHECKING:
    from legnext_stream._engine.account import Account
    from legnext_stream._telemetry.recording import Follower

_NAME = "legnext_stream"
_SCHEMA = "https://opentelemetry.io/schemas/1.30.0"


@attrs.frozen(kw_only=True)
class Telemetry:
    """Where a client's metrics and traces go, for `LegnextClient(telemetry=…)`.

    It takes `pip install 'legnext-stream[telemetry]'`, which brings the API of OpenTelemetry alone:
    without an SDK that is set up nothing is recorded.

    Attributes:
        meter_provider: What makes meters; by default the global one.
        tracer_provider: What makes tracers; by default the global one.
        job_spans: For how many jobs at a time a span may be open, `legnext_stream.job`, from the first
            that is seen of the job until its end. An open span takes up a few kilobytes, so of more
            jobs than this the others have none. 0, the default, for no spans of jobs.

    Raises:
        ValueError: `job_spans` is below 0.
    """

    meter_provider: MeterProvider | None = None
    tracer_provider: TracerProvider | None = None
    job_spans: int = attrs.field(default=0, validator=attrs.validators.ge(0))

    def follow(self, account: Account) -> Follower:
        """Begin to follow an account."""
        # Only now: it needs what needs this.
        from legnext_stream._telemetry.recording import Follower  # noqa: PLC0415 - see above

        return Follower(account, self.meter(), self.tracer(), job_spans=self.job_spans)

    def meter(self) -> Meter:
        """The meter of this library."""
        return get_meter(_NAME, __version__, self.meter_provider, _SCHEMA)

    def tracer(self) -> Tracer:
        """The tracer of this library."""
        return get_tracer(_NAME, __version__, self.tracer_provider, _SCHEMA)
