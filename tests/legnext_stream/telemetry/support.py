"""What the tests of telemetry share: an SDK that keeps everything in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from legnext_stream import Telemetry

Point = NumberDataPoint | HistogramDataPoint
Attributes = Mapping[str, object]


@attrs.frozen
class Recorded:
    """What an SDK has recorded."""

    telemetry: Telemetry
    _reader: InMemoryMetricReader
    _exporter: InMemorySpanExporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended."""
        return self._exporter.get_finished_spans()

    def metrics(self) -> dict[str, tuple[str, Sequence[object]]]:
        """By name, the unit and the points of each metric."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: (metric.unit or "", metric.data.data_points)
            for resource in ([] if data is None else data.resource_metrics)
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def number(self, name: str, **attributes: object) -> float:
        """The value of a metric, summed over the points with these attributes (`_` for `.`)."""
        total = 0.0
        for point in self.points(name, **attributes):
            assert isinstance(point, NumberDataPoint)
            total += point.value
        return total

    def points(self, name: str, **attributes: object) -> list[Point]:
        """The points of a metric with these attributes (their last part names them)."""
        _, points = self.metrics().get(name, ("", []))
        return [
            point
            for point in points
            if isinstance(point, NumberDataPoint | HistogramDataPoint)
            and attributes.items()
            <= {_last(key): value for key, value in _of(point).items()}.items()
        ]


def _of(point: Point) -> Attributes:
    return dict(point.attributes or {})


def _last(key: str) -> str:
    return key.rpartition(".")[2]


@contextmanager
def recording(job_spans: int = 0) -> Iterator[Recorded]:
    """An SDK of its own, which nothing global knows of."""
    reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = Telemetry(meter_provider=meters, tracer_provider=tracers, job_spans=job_spans)
    try:
        yield Recorded(telemetry, reader, exporter)
    finally:
        meters.shutdown()
        tracers.shutdown()
