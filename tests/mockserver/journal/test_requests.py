"""The journal."""

from __future__ import annotations

import json
import random

from mockserver import Journal, RequestRecord

RECORDS = [
    RequestRecord(0.0, 0.1, "GET", "/a", "a", 200),
    RequestRecord(0.0, 0.1, "GET", "/b", None, 429, retry_after=3),
    RequestRecord(1.0, 1.5, "GET", "/a", "a", 200),
    RequestRecord(1.0, 1.5, "POST", "/a", "b", 200),
]


def test_order_is_that_of_time_and_then_of_what_is_asked() -> None:
    """However requests of an instant are noted, they are listed alike."""
    for seed in range(20):
        journal = Journal()
        for record in random.Random(seed).sample(RECORDS, k=4):
            journal.add(record)
        assert list(journal) == RECORDS


def test_reading() -> None:
    """A journal is read like a list, and noting more goes on."""
    journal = Journal()
    journal.add(RECORDS[2])
    assert journal[0] == RECORDS[2]
    journal.add(RECORDS[0])
    assert (len(journal), journal[0], journal[-1:]) == (2, RECORDS[0], [RECORDS[2]])
    assert repr(journal) == "<Journal of 2 requests>"
    assert str(RECORDS[0]) == "     0.000 s  GET /a -> 200"


def test_dump_is_a_line_of_json_each() -> None:
    """The dump has every request as a JSON object on a line of its own."""
    journal = Journal()
    for record in RECORDS:
        journal.add(record)
    lines = journal.dump().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["/a", "/b", "/a", "/a"]
    assert json.loads(lines[1]) == {
        "at": 0.0,
        "answered_at": 0.1,
        "method": "GET",
        "path": "/b",
        "job_id": None,
        "status_code": 429,
        "retry_after": 3,
    }
