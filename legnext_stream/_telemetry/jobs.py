"""A span for each job, `legnext_stream.job`, from the first change that is seen of it until its end.

Each is a trace of its own, because nobody could read one trace of ten thousand jobs. Its events are the
changes that were seen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus

_JOB: Final = "legnext_stream.job.id"
_TYPE: Final = "legnext_stream.job.task_type"
_STATUS: Final = "legnext_stream.job.status"
_PREVIOUS: Final = "legnext_stream.job.previous"
_CODE: Final = "legnext_stream.job.error.code"


class JobSpans:
    """The open spans of an account's jobs. At most so many are open at a time; further jobs get none."""

    def __init__(self, tracer: Tracer, most: int) -> None:
        self._tracer = tracer
        self._most = most
        self._number = 0
        # By watch, because two may follow the same job.
        self._open: defaultdict[object, dict[str, Span]] = defaultdict(dict)

    def observed(self, watch: object, event: JobEvent) -> None:
        """A watch has seen a change of a job."""
        spans = self._open[watch]
        span = spans.get(event.job_id)
        if span is None:
            if event.status.is_terminal or self._number >= self._most:
                return
            span = spans[event.job_id] = self._tracer.start_span(
                "legnext_stream.job", Context(), attributes={_JOB: event.job_id}
            )
            self._number += 1
        changed = {_STATUS: event.status.value}
        if event.previous is not None:
            changed[_PREVIOUS] = event.previous.value
        span.add_event("legnext_stream.job.changed", changed)
        if event.status.is_terminal:
            del spans[event.job_id]
            self._end(span, event)

    def ended(self, watch: object) -> None:
        """A watch has ended: the spans of jobs whose end it did not see end without a status."""
        for span in self._open.pop(watch, {}).values():
            self._end(span, None)

    def _end(self, span: Span, event: JobEvent | None) -> None:
        self._number -= 1
        if event is not None:
            span.set_attributes({_STATUS: event.status.value, _TYPE: str(event.job.task_type)})
            if event.job.error is not None:
                # Its message may quote the prompt, which is the caller's own business.
                span.set_attribute(_CODE, event.job.error.code)
            if event.status is not JobStatus.COMPLETED:
                span.set_status(Status(StatusCode.ERROR))
        span.end()
