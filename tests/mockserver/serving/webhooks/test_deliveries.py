"""The journal of deliveries."""

from __future__ import annotations

import itertools
from typing import Any

import attrs
import msgspec

from mockserver import Deliveries, DeliveryRecord

RECORD = DeliveryRecord(
    at=41.5,
    ended_at=41.75,
    job_id="a",
    status="completed",
    changed_at=41.0,
    url="http://127.0.0.1/hook",
    copy=0,
    number=1,
    signed=True,
    outcome="delivered",
    status_code=200,
)


def record(**fields: Any) -> DeliveryRecord:  # noqa: ANN401 - as various as they are
    """The record with other fields."""
    return attrs.evolve(RECORD, **fields)


def test_records_are_in_the_order_of_time() -> None:
    """Records of the same instant are ordered by content."""
    expected = [
        record(at=1),
        record(),
        record(number=2),
        record(copy=1),
        record(changed_at=41.25),
        record(job_id="b"),
    ]
    deliveries = Deliveries()
    for order in itertools.permutations(expected):
        deliveries = Deliveries()
        for each in order:
            deliveries.add(each)
        assert list(deliveries) == expected
    assert deliveries[0] == expected[0]
    assert deliveries[-2:] == expected[-2:]
    assert len(deliveries) == 6
    assert deliveries.of("b") == [record(job_id="b")]
    assert repr(deliveries) == "<Deliveries: 6 attempts>"


def test_it_can_keep_the_latest_only() -> None:
    """Only the latest records are kept."""
    deliveries = Deliveries(keep=2)
    for t in range(5):
        deliveries.add(record(at=t))
    assert [kept.at for kept in deliveries] == [3, 4]
    deliveries.restore([record(at=1), record(at=2), record(at=3)])
    assert [kept.at for kept in deliveries] == [2, 3]


def test_it_is_dumped_as_json() -> None:
    """The dump has one attempt a line."""
    deliveries = Deliveries()
    deliveries.restore([record(job_id="b"), record()])
    lines = deliveries.dump().splitlines()
    assert [msgspec.json.decode(line) for line in lines] == [
        attrs.asdict(record()),
        attrs.asdict(record(job_id="b")),
    ]


def test_a_record_is_shown_in_a_line() -> None:
    """A record as text has its outcome and the details."""
    line = "    41.500 s  a completed -> http://127.0.0.1/hook"
    assert str(record()) == f"{line}  delivered: 200"
    failed = record(outcome="failed", status_code=None, error="no answer within 10 s")
    assert str(failed) == f"{line}  failed: no answer within 10 s"
    assert str(record(outcome="lost", status_code=None)) == f"{line}  lost"
