"""A span and a duration for each request, by OpenTelemetry's conventions for HTTP clients.

The names are those of <https://opentelemetry.io/docs/specs/semconv/http/>. Neither the API key nor the
content of a request is recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from legnext_stream._core.answers import Answer, Reply
from legnext_stream._http import Request

Attributes: TypeAlias = dict[str, str | int]
Send: TypeAlias = Callable[[Request], Awaitable[Answer]]

_JOBS: Final = "/api/v1/job/"
_PORTS: Final = {"http": 80, "https": 443}
# The boundaries that the conventions advise, seconds.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


def server_of(base_url: str) -> Attributes:
    """Return the attributes that name a host."""
    url = urlsplit(base_url)
    return {
        "server.address": url.hostname or "",
        "server.port": url.port or _PORTS.get(url.scheme, 0),
    }


class Requests:
    """Sends requests by `send`, and records each."""

    def __init__(self, send: Send, base_url: str, *, meter: Meter, tracer: Tracer) -> None:
        self._send = send
        self._base_url = base_url
        self._server = server_of(base_url)
        self._tracer = tracer
        self._durations = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )

    async def send(self, request: Request) -> Answer:
        """Send one request."""
        path, method = request.path, request.method
        template = f"{_JOBS}{{job_id}}" if path.startswith(_JOBS) else path
        attributes = {**self._server, "http.request.method": method, "url.template": template}
        span = self._tracer.start_span(
            f"{method} {template}",
            kind=SpanKind.CLIENT,
            attributes={**attributes, "url.full": self._base_url + path},
        )
        try:
            answer = await self._send(request)
        except BaseException:
            # Cancelled: that is not an error of the request, and it has no duration.
            span.end()
            raise
        outcome = _outcome(answer)
        span.set_attributes(outcome)
        if "error.type" in outcome:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
        self._durations.record(answer.received_at - answer.sent_at, {**attributes, **outcome})
        return answer


def _outcome(answer: Answer) -> Attributes:
    """Return the attributes of a request's outcome."""
    if not isinstance(answer, Reply):
        return {"error.type": answer.kind}
    code = answer.status_code
    if code < 400:
        return {"http.response.status_code": code}
    return {"http.response.status_code": code, "error.type": str(code)}
