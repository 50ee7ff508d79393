"""Requests, by the conventions of OpenTelemetry."""

from __future__ import annotations

import httpx
import pytest
import trio
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.semconv.metrics.http_metrics import HTTP_CLIENT_REQUEST_DURATION
from opentelemetry.trace import SpanKind, StatusCode

from legnext_stream import HostUnreachableError, InvalidRequestError, LegnextClient
from legnext_stream._telemetry.requests import server_of
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY, URL, in_turn
from tests.legnext_stream.telemetry.support import recording


async def test_a_span_and_a_duration_for_each_request() -> None:
    """With the names of the conventions, the job's id in the URL alone."""
    mock = MockLegnext(latency=0.3)
    job_id = mock.add_job(Script([("pending", 1), ("processing", 10), "completed"]))
    with recording() as recorded:
        transport = mock.transport()
        async with LegnextClient(KEY, URL, transport, telemetry=recorded.telemetry) as client:
            await client.wait(job_id)
        spans = recorded.spans
        assert len(spans) == len(mock.requests)
        span, template = spans[0], "/api/v1/job/{job_id}"
        assert span.name == f"GET {template}"
        assert span.kind is SpanKind.CLIENT
        assert dict(span.attributes or {}) == {
            http_attributes.HTTP_REQUEST_METHOD: "GET",
            http_attributes.HTTP_RESPONSE_STATUS_CODE: 200,
            server_attributes.SERVER_ADDRESS: "legnext.test",
            server_attributes.SERVER_PORT: 80,
            url_attributes.URL_FULL: f"{URL}/api/v1/job/{job_id}",
            "url.template": template,
        }
        assert span.status.status_code is StatusCode.UNSET
        unit, _ = recorded.metrics()[HTTP_CLIENT_REQUEST_DURATION]
        assert unit == "s"
        [point] = recorded.points(HTTP_CLIENT_REQUEST_DURATION)
        assert isinstance(point, HistogramDataPoint)
        assert point.count == len(spans)
        assert point.sum == pytest.approx(0.3 * len(spans), rel=0.1)
        assert point.explicit_bounds[:2] == (0.005, 0.01)
        assert point.explicit_bounds[-1] == 10
        assert url_attributes.URL_FULL not in (point.attributes or {})


async def test_refusals_and_silence_are_errors() -> None:
    """By their status, or by the name of what went wrong."""
    answers = in_turn(httpx.Response(422), httpx.ReadTimeout("slow"))
    with recording() as recorded:
        async with LegnextClient(
            KEY, URL, answers, retry_for=0.5, telemetry=recorded.telemetry
        ) as client:
            with pytest.raises(InvalidRequestError):
                await client.diffusion("a lighthouse")
            with pytest.raises(HostUnreachableError):
                await client.balance()
        told = [
            (span.name, (span.attributes or {}).get(error_attributes.ERROR_TYPE))
            for span in recorded.spans
        ]
        assert told[0] == ("POST /api/v1/diffusion", "422")
        assert told[1] == ("GET /api/account/balance", "ReadTimeout")
        assert all(span.status.status_code is StatusCode.ERROR for span in recorded.spans)
        assert "lighthouse" not in str([span.to_json() for span in recorded.spans])


async def test_a_request_that_was_given_up() -> None:
    """Its span ends, without an error, and its duration is not counted."""
    mock = MockLegnext(latency=5.0)
    with recording() as recorded:
        transport = mock.transport()
        async with LegnextClient(KEY, URL, transport, telemetry=recorded.telemetry) as client:
            with trio.move_on_after(1):
                await client.balance()
        [span] = recorded.spans
        assert span.status.status_code is StatusCode.UNSET
        assert not recorded.points(HTTP_CLIENT_REQUEST_DURATION)


async def test_the_key_is_nowhere() -> None:
    """Not in a span, not in a metric."""
    mock = MockLegnext(seed=1)
    with recording(job_spans=10) as recorded:
        transport = mock.transport()
        async with LegnextClient(KEY, URL, transport, telemetry=recorded.telemetry) as client:
            async for _ in client.watch(mock.add_jobs(3)):
                pass
        assert KEY not in str([span.to_json() for span in recorded.spans])
        assert KEY not in str(recorded.metrics())


@pytest.mark.parametrize(
    ("base_url", "address", "port"),
    [
        ("https://api.legnext.ai", "api.legnext.ai", 443),
        ("http://127.0.0.1:8080/below", "127.0.0.1", 8080),
        ("http://[::1]", "::1", 80),
    ],
)
def test_the_host(base_url: str, address: str, port: int) -> None:
    """Its port is that of the scheme, if none is given."""
    assert server_of(base_url) == {"server.address": address, "server.port": port}
