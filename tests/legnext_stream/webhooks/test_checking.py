"""What is a callback, what a hint, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._webhooks import checking
from legnext_stream._webhooks.checking import (
    Checked,
    Checker,
    Finding,
    read_timestamp,
    signature_of,
)
from tests.legnext_stream.webhooks.support import JOB, NOW, SECRET, body_of

FRESH = str(int(NOW)).encode()


def check(
    checker: Checker, body: bytes, timestamp: bytes | None = None, *, now: float = NOW
) -> Checked:
    """What a rightly signed request is found to be."""
    stamps = [] if timestamp is None else [timestamp]
    return checker.check(now, body, [signature_of(SECRET, body, timestamp)], stamps)


@pytest.mark.parametrize("timestamp", [None, FRESH])
def test_what_is_signed_is_verified_once(timestamp: bytes | None) -> None:
    """The same a second time is a replay."""
    checker = Checker(SECRET, 300.0)
    checked = check(checker, body_of(), timestamp)
    assert checked.finding is Finding.VERIFIED
    assert checked.callback is not None
    assert checked.callback.job_id == JOB
    assert checked.callback.status is JobStatus.COMPLETED
    assert check(checker, body_of(), timestamp) == Checked(Finding.REPLAYED)


@given(st.lists(st.integers(0, 7), max_size=40), st.sampled_from([None, 0, 17]))
def test_however_it_is_repeated_it_counts_once(order: list[int], seconds: int | None) -> None:
    """Any repetition in any order: of each message exactly the first is verified."""
    checker, seen = Checker(SECRET, 300.0), set()
    stamp = None if seconds is None else str(int(NOW) - seconds).encode()
    for number in order:
        finding = check(checker, body_of(f"job-{number}"), stamp).finding
        assert finding is (Finding.REPLAYED if number in seen else Finding.VERIFIED)
        seen.add(number)


@given(first=st.floats(0, 1000), later=st.floats(0, 1000), stamped=st.booleans())
def test_a_replay_is_refused_at_any_time(first: float, later: float, *, stamped: bool) -> None:
    """As a replay while it is fresh, and after that as stale: there is no gap between the two."""
    checker = Checker(SECRET, 300.0)
    body, stamp = body_of(), FRESH if stamped else None
    at = NOW - 350 + first
    check(checker, body, stamp, now=at)
    again = check(checker, body, stamp, now=at + later).finding
    before = check(Checker(SECRET, 300.0), body, stamp, now=at).finding
    if before is Finding.VERIFIED:
        assert again in {Finding.REPLAYED, Finding.STALE}
    else:
        assert before is Finding.STALE


@pytest.mark.parametrize(
    ("age", "finding"),
    [
        (301, Finding.STALE),
        (299, Finding.VERIFIED),
        (-299, Finding.VERIFIED),
        (-3e6, Finding.VERIFIED),
    ],
)
def test_freshness(age: float, finding: Finding) -> None:
    """By the timestamp where there is one, else by when the job ended; what is dated ahead is fresh."""
    stamp = str(int(NOW - age)).encode()
    assert check(Checker(SECRET, 300.0), body_of(), stamp).finding is finding
    # The job ended a second before `NOW`.
    found = check(Checker(SECRET, 300.0), body_of(), now=NOW - 1 + age).finding
    assert found is finding


def test_a_callback_without_any_time_is_remembered() -> None:
    """It can't be stale, but comes once only."""
    checker, body = Checker(SECRET, 300.0), body_of(meta=None)
    assert check(checker, body).finding is Finding.VERIFIED
    assert check(checker, body, now=NOW + 1e6).finding is Finding.REPLAYED


def test_a_job_that_runs_is_as_old_as_its_start() -> None:
    """It has no end to go by."""
    body = body_of(status="processing")
    assert check(Checker(SECRET, 300.0), body).finding is Finding.VERIFIED
    assert check(Checker(SECRET, 300.0), body, now=NOW + 300).finding is Finding.STALE


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By time, and by number: what would be stale first is forgotten first."""
    monkeypatch.setattr(checking, "_REMEMBERED", 3)
    checker = Checker(SECRET, 300.0)
    stamps = [str(int(NOW) + n).encode() for n in range(4)]
    for stamp in stamps:
        assert check(checker, body_of(), stamp).finding is Finding.VERIFIED
    assert len(checker._seen) == len(checker._forget) == 3
    assert check(checker, body_of(), stamps[3]).finding is Finding.REPLAYED
    check(checker, body_of(), str(int(NOW) + 400).encode(), now=NOW + 400)
    assert len(checker._seen) == 1


@pytest.mark.parametrize("signature", [b"", b"0" * 64, b"\xff" * 64, b"x"])
def test_a_wrong_signature_is_a_forgery(signature: bytes) -> None:
    """Whatever else is wrong with it, and nothing of it is remembered."""
    checker = Checker(SECRET, 300.0)
    for body in (body_of(), b"no json", b""):
        assert checker.check(NOW, body, [signature], []) == Checked(Finding.FORGED)
    assert not checker._seen


def test_what_is_not_signed_is_a_hint() -> None:
    """Also if it is signed, because that can't be checked; and it may come more than once."""
    for secret, signatures in ((SECRET, []), (None, []), (None, [b"whatever"])):
        checker = Checker(secret, 300.0)
        for _ in range(2):
            checked = checker.check(NOW, body_of(), list(signatures), [])
            assert checked.finding is Finding.UNSIGNED
            assert checked.callback is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"\xff",
        b'{"job_id": "a"}',
        b'{"job_id": "a", "status": 7}',
        b'{"job_id": "../a", "status": "completed"}',
        b'{"job_id": 7, "status": "completed"}',
        b'{"data": {"job_id": "", "status": "completed"}}',
        b'{"data": [1]}',
        b'{"job_id": "a", "status": "completed", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
    ],
    ids=range(12),
)
def test_no_callback(body: bytes) -> None:
    """What is no job, or names none, is malformed, signed or not."""
    checker = Checker(SECRET, 300.0)
    assert check(checker, body) == Checked(Finding.MALFORMED)
    assert checker.check(NOW, body, [], []) == Checked(Finding.MALFORMED)


def test_two_of_a_header() -> None:
    """It is unclear which of the two counts."""
    checker, body = Checker(SECRET, 300.0), body_of()
    right = signature_of(SECRET, body)
    assert checker.check(NOW, body, [right, right], []) == Checked(Finding.MALFORMED)
    assert checker.check(NOW, body, [right], [FRESH, FRESH]) == Checked(Finding.MALFORMED)


def test_a_timestamp_that_is_no_time() -> None:
    """It can't be fresh."""
    assert check(Checker(SECRET, 300.0), body_of(), b"soon") == Checked(Finding.MALFORMED)


def test_the_other_form_of_a_body() -> None:
    """The job in an envelope with a timestamp."""
    job = json.loads(body_of())
    wrapped = json.dumps({"timestamp": "2026-01-01T00:01:40Z", "data": job}).encode()
    checked = check(Checker(SECRET, 300.0), wrapped)
    assert checked.finding is Finding.VERIFIED
    assert checked.callback is not None
    assert (checked.callback.job_id, checked.callback.body) == (JOB, job)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (b"1767225700", NOW),
        (b"1767225700.25", NOW + 0.25),
        (b"1767225700000", NOW),
        (b"2026-01-01T00:01:40Z", NOW),
        (b"nan", None),
        (b"inf", None),
        (b"", None),
        (b"\xff", None),
        (b"1" * 65, None),
    ],
    ids=range(9),
)
def test_timestamps(text: bytes, time: float | None) -> None:
    """Seconds, milliseconds, or as in RFC 3339; anything else is none."""
    assert read_timestamp(text) == time
