"""The record of one request."""

from __future__ import annotations

from mockserver import RequestRecord


def test_it_reads_as_a_line() -> None:
    """A record as text has time, request, status and faults."""
    record = RequestRecord(1.5, 2.0, "GET", "/a", "a", 503, faults=("down", "slow"))
    assert str(record) == "     1.500 s  GET /a -> 503  [down, slow]"
    assert str(RequestRecord(0, 0, "GET", "/a", "a", 200)) == "     0.000 s  GET /a -> 200"
