"""`MockLegnext`, as users use it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

import mockserver
from mockserver import (
    Change,
    Fixed,
    Lognormal,
    MockLegnext,
    Script,
    TokenBucket,
    run_virtual,
)
from tests.effort import examples
from tests.mockserver.helpers import POST, client_of


async def poll_all(mock: MockLegnext, ids: list[str], every: float) -> list[tuple[str, str]]:
    """Poll all jobs concurrently until they end; return the statuses seen."""
    seen: list[tuple[str, str]] = []

    async def poll(job_id: str) -> None:
        last = ""
        while last not in {"completed", "failed"}:
            answer = await client.get(f"/api/v1/job/{job_id}")
            if answer.status_code == 200 and answer.json()["status"] != last:
                last = answer.json()["status"]
                seen.append((job_id, last))
            await trio.sleep(every)

    async with client_of(mock, timeout=None) as client, trio.open_nursery() as nursery:
        for job_id in ids:
            nursery.start_soon(poll, job_id)
    return seen


@examples(25)
@given(st.integers(0, 999), st.integers(1, 12), st.floats(0, 1), st.floats(4, 20))
def test_what_is_seen_is_true(seed: int, slots: int, share: float, every: float) -> None:
    """What a client sees of a job is, in order, part of the truth."""
    mock = MockLegnext(seed, slots, failure_share=share, latency=Lognormal(0.05, 1))
    ids = mock.add_jobs(6)
    seen = run_virtual(poll_all, mock, ids, every)
    assert not mock.crashes
    for job_id in ids:
        true = iter([change.status for change in mock.truth[job_id]])
        # `in` moves the iterator on, so this finds a subsequence.
        assert all(status in true for job, status in seen if job == job_id)
        assert mock.truth[job_id][-1].status in {"completed", "failed"}


def test_the_same_seed_is_the_same_bytes() -> None:
    """Two runs of one seed have equal journals and truths; other seeds differ."""

    def once(seed: int) -> tuple[bytes, object, object]:
        mock = MockLegnext(
            seed,
            3,
            failure_share=0.2,
            limit=TokenBucket(2, burst=2),
            latency=Lognormal(0.1, 0.5),
        )
        seen = run_virtual(poll_all, mock, mock.add_jobs(8), 5.0)
        return mock.requests.dump(), dict(mock.truth), seen

    first = once(1)
    assert first == once(1)
    assert first != once(2)
    assert b'"status_code":429' in first[0]


def test_jobs_are_added_now() -> None:
    """Before a run a job is added at zero, and within a run at the present time."""
    mock = MockLegnext(slots=None, run_times=Fixed(10))
    early = mock.add_job()

    async def later() -> str:
        await trio.sleep(30)
        assert mock.now == 30
        return mock.add_job(Script([("processing", 2), "failed"]), "upscale", job_id="mine")

    assert run_virtual(later) == "mine"
    assert mock.truth["mine"] == (Change(30, "processing"),)
    assert mock.truth[early][-1] == Change(11, "completed")
    assert mock.truth.at(35)["mine"][-1] == Change(32, "failed")
    assert repr(mock) == "<MockLegnext seed=0: 2 jobs, <Journal of 0 requests>>"


def test_submits_and_additions_are_one_world() -> None:
    """Submitted and added jobs share the queue."""
    mock = MockLegnext(slots=1, run_times=Fixed(10))
    mock.add_jobs(1)

    async def submit() -> str:
        async with client_of(mock) as client:
            job_id: str = (await client.post(POST, json={"text": "a"})).json()["job_id"]
            await trio.sleep(11.6)
            assert (await client.get(f"/api/v1/job/{job_id}")).json()["status"] == "processing"
            return job_id

    submitted = run_virtual(submit)
    assert list(mock.truth)[1] == submitted


def test_the_calendar_can_be_set() -> None:
    """The times in jobs count from the given epoch."""
    mock = MockLegnext(epoch=datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC))

    async def one() -> httpx.Response:
        async with client_of(mock) as client:
            return await client.post(POST, json={"text": "a"})

    answer = run_virtual(one)
    assert answer.json()["meta"]["created_at"] == "2030-05-06T07:08:09Z"
    assert answer.headers["date"] == "Mon, 06 May 2030 07:08:09 GMT"


def test_one_key_in_place_of_keys_is_an_error() -> None:
    """A text in place of a collection of keys is refused."""
    with pytest.raises(TypeError, match="several texts"):
        MockLegnext(api_keys="key")


def test_public_names() -> None:
    """All public names can be imported from the package; others can not."""
    for name in mockserver.__all__:
        value = getattr(mockserver, name)
        # What has no name of its own is a constant.
        assert getattr(value, "__name__", name) == name
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        mockserver.Nonsense  # noqa: B018 - having it is what fails


PROGRAM = """
import hashlib, trio
from mockserver import Lognormal, MockLegnext, TokenBucket, run_virtual
from tests.mockserver.test_mock import poll_all

mock = MockLegnext(
    3, 2, failure_share=0.2, limit=TokenBucket(2, 2), latency=Lognormal(0.1, 0.5), order="random"
)
run_virtual(poll_all, mock, mock.add_jobs(6), 3.0)
told = mock.requests.dump() + repr(dict(mock.truth)).encode()
print(hashlib.sha256(told).hexdigest())
"""


def test_another_process_gives_the_same_bytes() -> None:
    """Nothing depends on the hash seed or anything else of the process."""
    digests = set()
    for hash_seed in "12":
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
