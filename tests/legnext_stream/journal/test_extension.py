"""A watch and its recorder: what is written when, and what becomes of the watch if it can't be."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import trio

from legnext_stream import (
    EventStream,
    JobEvent,
    JobStatus,
    JournalError,
    JournalInUseError,
    LegnextClient,
    Pacing,
    TaskType,
)
from legnext_stream._generate.extension import PromptsExtension
from legnext_stream._generate.submitter import SubmitSettings
from legnext_stream._journal import JournalExtension
from legnext_stream._journal.recorder import Outcome, Written
from legnext_stream._journal.records import (
    Acknowledged,
    Learned,
    Record,
    Reported,
    Sending,
    Settled,
    Taken,
)
from mockserver import Fixed, MockLegnext, Rule, Status, When
from tests.legnext_stream.journal.memory import MemoryRecorder, Records
from tests.legnext_stream.support import KEY, URL, check_contract


@pytest.fixture(autouse=True)
def _calendar_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calendar, by which records are dated, goes with the tests' clock."""
    calendar = SimpleNamespace(time=lambda: 1.8e9 + trio.current_time())
    monkeypatch.setattr("legnext_stream._journal.extension.time", calendar)


class Noting(MemoryRecorder):
    """A recorder in memory that notes what is written, and can be made to answer otherwise.

    Attributes:
        batches: What was recorded, batch by batch, and when.
        outcome: What to answer instead of writing, or None.
    """

    def __init__(self, records: Records | None = None, **settings: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(records, **settings)
        self.batches: list[tuple[float, Sequence[Record]]] = []
        self.outcome: Outcome | None = None

    async def write(self, number: int, records: Sequence[Record]) -> Written:
        """Write a batch."""
        if self.outcome is not None:
            await trio.lowlevel.checkpoint()
            return Written(self.outcome)
        written = await super().write(number, records)
        if written.outcome is Outcome.DONE:
            self.batches.append((trio.current_time(), list(records)))
        return written

    def written(self, *kinds: type) -> list[Record]:
        """All records of these kinds, in order."""
        return [each for _, batch in self.batches for each in batch if isinstance(each, kinds)]


@asynccontextmanager
async def watching(
    mock: MockLegnext,
    recorder: MemoryRecorder,
    jobs: Sequence[str] = (),
    *,
    prompts: Sequence[str] | None = None,
    pacing: Pacing | None = None,
) -> AsyncIterator[EventStream]:
    """A watch with this recorder; with prompts it submits them."""
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        account = client._account
        journal = JournalExtension(recorder, account)
        batch = []
        if prompts is not None:
            settings = SubmitSettings(
                task_type=TaskType.DIFFUSION,
                callback=None,
                timeout=600,
                at_once=100,
                if_unknown="tell",
            )
            batch = [
                PromptsExtension(prompts, journal, account=account, settings=settings, saver=None)
            ]
        stream = EventStream(
            jobs,
            account=account,
            open_nursery=client._open_nursery,
            timeout=600,
            pacing=Pacing() if pacing is None else pacing,
            extensions=[*batch, journal],
        )
        async with stream:
            yield stream


# ---------------------------------------------------------------- what is written, and when


async def test_an_acknowledgement_is_recorded_before_the_next_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long recording takes; and an end is recorded before it is acknowledged."""
    recorder, mock = Noting(), MockLegnext(run_times=Fixed(20))
    write = MemoryRecorder.write

    async def slow(self: MemoryRecorder, number: int, records: Sequence[Record]) -> Written:
        await trio.sleep(1)
        return await write(self, number, records)

    monkeypatch.setattr(MemoryRecorder, "write", slow)
    told: list[JobEvent] = []
    async with watching(mock, recorder, mock.add_jobs(5)) as stream:
        async for event in stream:
            done = recorder.written(Acknowledged)
            assert [(one.job_id, one.status) for one in told] == [
                (one.job_id, one.status) for one in done if isinstance(one, Acknowledged)
            ]
            told.append(event)
    check_contract(told, mock.truth)


class Watch:
    """As much of an account, and of a watch, as what was learned is recorded for.

    Attributes:
        now: What polling has learned by now.
        records: What is recorded.
    """

    def __init__(self) -> None:
        self.now: dict[str, dict[str, Any]] = {"pace": {"ceiling": None}}
        self.records = Records()

    async def goes_on(self, seconds: float, *, then: dict[str, Any] | None = None) -> list[Record]:
        """Watch for so long; half-way something may be learned. Return what was written."""
        recorder, mock = Noting(self.records), MockLegnext()
        async with LegnextClient(KEY, URL, mock.transport()) as client:
            account = client._account
            journal = JournalExtension(recorder, account)
            patch = pytest.MonkeyPatch()
            patch.setattr(account, "learned", lambda _wall_now: dict(self.now))
            async with EventStream(
                _nothing(seconds),
                account=account,
                open_nursery=client._open_nursery,
                timeout=None,
                pacing=Pacing(),
                extensions=[journal],
            ) as stream:
                await trio.sleep(seconds / 2)
                if then is not None:
                    self.now = {"pace": then}
                assert [event async for event in stream] == []
        return recorder.written(Learned)


async def _nothing(seconds: float) -> AsyncIterator[str]:
    await trio.sleep(seconds)
    for job_id in list[str]():
        yield job_id


async def test_what_is_learned_is_written_as_it_changes() -> None:
    """Each state once, within seconds, and not again by the next watch."""
    watch, first, second = Watch(), {"ceiling": None}, {"ceiling": 2.5}
    assert await watch.goes_on(3600) == [Learned("pace", first)]
    assert await watch.goes_on(3600) == []
    assert await watch.goes_on(3600, then=second) == [Learned("pace", second)]
    assert await watch.goes_on(1, then=first) == [Learned("pace", first)], "a short one, too"


# ---------------------------------------------------------------- a recorder that is unavailable


async def test_polling_pauses_while_nothing_can_be_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, nothing is lost, no timeout runs, and polling resumes as soon as it can."""
    caplog.set_level(logging.WARNING, "legnext_stream")
    recorder, mock = Noting(), MockLegnext(seed=1, slots=5, run_times=Fixed(30))
    ids = mock.add_jobs(20)
    told = []
    async with watching(mock, recorder, ids) as stream:
        told.append(await anext(stream))
        recorder.outcome = Outcome.UNAVAILABLE
        with trio.move_on_after(5):
            told.append(await anext(stream))
        asked = len(mock.requests)
        with trio.move_on_after(5000):
            told.append(await anext(stream))
        assert len(mock.requests) == asked
        assert len(told) == 1, "the first is not acknowledged"
        assert "can't be written for now" in caplog.text
        assert "can be written again" not in caplog.text
        recorder.outcome = None
        told += [event async for event in stream]
    assert caplog.text.count("can be written again") == 1
    assert set(check_contract(told, mock.truth)) == set(ids)
    assert not {event.status for event in told} & {JobStatus.TIMED_OUT}


async def test_submitting_pauses_too() -> None:
    """No prompt is submitted before that is recorded."""
    recorder, mock = Noting(), MockLegnext(run_times=Fixed(30))
    async with watching(mock, recorder, prompts=["cat 1", "cat 2"]) as stream:
        recorder.outcome = Outcome.UNAVAILABLE
        with trio.move_on_after(100):
            await anext(stream)
        assert not mock.truth
        recorder.outcome = None
        told = [event async for event in stream]
    assert sum(event.status is JobStatus.COMPLETED for event in told) == 2


async def test_leaving_does_not_wait_for_it() -> None:
    """For more than a few seconds; the next watch reports what was not recorded."""
    recorder, mock = Noting(), MockLegnext(run_times=Fixed(30))
    (job_id,) = mock.add_jobs(1)
    async with watching(mock, recorder, [job_id]) as stream:
        event = await anext(stream)
        while not event.status.is_terminal:
            event = await anext(stream)
        recorder.outcome = Outcome.UNAVAILABLE
        left = trio.current_time()
    assert trio.current_time() - left < 10
    recorder = Noting(recorder.records)
    async with watching(mock, recorder) as stream:
        (again,) = [event async for event in stream]
    assert (again.job_id, again.status) == (job_id, event.status)


# ---------------------------------------------------------------- records that are lost


async def test_a_watch_whose_records_were_taken_over_ends() -> None:
    """With a clear error; what it had recorded stays, and the other watch resumes from there."""
    first, mock = Noting(), MockLegnext(seed=1, run_times=Fixed(30))
    ids = mock.add_jobs(10)
    told: list[JobEvent] = []
    async with watching(mock, first, ids) as stream:
        told += [await anext(stream) for _ in range(4)]
        second = Noting(first.records, takes_over=True)
        async with watching(mock, second) as other:
            rest = [await anext(other)]
            with pytest.raises(JournalInUseError, match="another watch has taken the journal over"):
                async for _ in stream:
                    pass
            asked = len(mock.requests)
            await trio.sleep(1)
            assert {each.job_id for each in mock.requests[asked:]} <= set(ids)
            rest += [event async for event in other]
    told.pop()  # it was delivered by the first, and not acknowledged
    events = [attrs.evolve(event, sequence=n) for n, event in enumerate(told + rest, 1)]
    assert set(check_contract(events, mock.truth)) == set(ids)


async def test_a_gap_ends_the_watch() -> None:
    """What it believes to be recorded isn't: it is to be started again."""
    recorder, mock = Noting(), MockLegnext()
    async with watching(mock, recorder, mock.add_jobs(3)) as stream:
        event = await anext(stream)
        recorder.records.jobs.clear()
        with pytest.raises(JournalError, match="the journal lacks what this watch wrote before"):
            async for _ in stream:
                pass
    assert event.job_id not in recorder.records.jobs


async def test_a_submit_that_was_sent_is_settled_all_the_same() -> None:
    """A watch that loses its records meanwhile says what its submits have made, and nothing else."""
    first, mock = Noting(), MockLegnext(latency=0.5, run_times=Fixed(30))
    async with watching(mock, first, prompts=["cat 1", "cat 2"]) as stream:
        with trio.move_on_after(0.3):
            await anext(stream)
        assert len(first.written(Sending)) == 2
        second = Noting(first.records, takes_over=True)
        await second.open()
        with pytest.raises(JournalInUseError):
            await anext(stream)
    assert first.written(Settled, Taken, Reported) == []
    (*prompts,) = await second.open_prompts()
    assert {prompt.state for prompt in prompts} == {"submitted"}
    assert {prompt.job_id for prompt in prompts} == set(mock.truth)


async def test_a_submit_by_another_run_is_unknown() -> None:
    """An attempt of an earlier run is reported as unknown; its late answer changes nothing then."""
    first, mock = Noting(), MockLegnext(latency=0.5, run_times=Fixed(30))
    async with watching(mock, first, prompts=["cat 1"]) as stream:
        with trio.move_on_after(0.3):
            await anext(stream)
        (sending,) = first.written(Sending)
        assert isinstance(sending, Sending)
        second = Noting(first.records, takes_over=True)
        async with watching(MockLegnext(), second, prompts=[]) as other:
            (end,) = [event async for event in other]
        assert end.status is JobStatus.SUBMIT_UNKNOWN
        with pytest.raises(JournalInUseError):
            await anext(stream)
    assert first.records.prompts[1].state == "ended"


async def test_another_watch_on_the_same_records_is_refused() -> None:
    """At its loop; the first is not affected."""
    recorder, mock = Noting(), MockLegnext()
    ids = mock.add_jobs(2)
    async with watching(mock, recorder, ids) as stream:
        async with watching(mock, Noting(recorder.records)) as second:
            with pytest.raises(JournalInUseError, match="in use"):
                await anext(second)
        ends = [event async for event in stream if event.status.is_terminal]
    assert len(ends) == 2


# ---------------------------------------------------------------- resuming, without a disk


async def test_any_number_of_runs_make_one_stream() -> None:
    """Left at any time and resumed: what was acknowledged, all together, keeps the contract."""
    records, mock = Records(), MockLegnext(seed=3, slots=5, failure_share=0.2)
    ids = mock.add_jobs(15)
    acknowledged: list[JobEvent] = []
    for most in (3, 1, 8, 20, 2, 10_000):
        count = len(acknowledged) + most
        async with watching(mock, MemoryRecorder(records), ids) as stream:
            async for event in stream:
                await stream.ack()
                acknowledged.append(event)
                if len(acknowledged) == count:
                    break
    events = [attrs.evolve(event, sequence=n) for n, event in enumerate(acknowledged, 1)]
    assert set(check_contract(events, mock.truth)) == set(ids)
    log = [logged.event for logged in records.log.values()]
    for job_id in ids:
        mine = [event for event in log if event.job_id == job_id]
        assert [event.sequence for event in mine] == list(range(1, len(mine) + 1))
        assert [event.previous for event in mine] == [None, *(event.status for event in mine[:-1])]


async def test_what_was_reported_and_not_acknowledged_comes_again() -> None:
    """Also a change that is no end, from the records and without a request."""
    recorder, mock = Noting(), MockLegnext(run_times=Fixed(500))
    (job_id,) = mock.add_jobs(1)
    async with watching(mock, recorder, [job_id]) as stream:
        while (event := await anext(stream)).status is not JobStatus.PROCESSING:
            pass
    asked = len(mock.requests)
    async with watching(mock, Noting(recorder.records)) as stream:
        again = await anext(stream)
        assert len(mock.requests) == asked
        assert (again.status, again.previous) == (event.status, event.previous)
        assert again.changed_between == pytest.approx(event.changed_between)
        following = await anext(stream)
    assert (following.status, following.previous) == (JobStatus.COMPLETED, JobStatus.PROCESSING)


# ---------------------------------------------------------------- a pause across a restart


def _limited(seconds: int, *, route: str) -> MockLegnext:
    """A mock that answers 429 for so long, and says so once; then it answers as ever."""
    refusal = Status(429, headers={"Retry-After": str(seconds)})
    return MockLegnext(
        faults=[Rule(refusal, When(route=route, until=seconds), name="limit")], run_times=Fixed(30)
    )


@pytest.mark.parametrize("how", ["kill", "leave"])
@pytest.mark.parametrize("route", ["job", "submit"])
async def test_a_pause_survives_a_restart(how: str, route: str) -> None:
    """A `Retry-After` that the killed run was told holds for the next one, on the same clock or not."""
    first, mock = Noting(), _limited(120, route=route)
    jobs = mock.add_jobs(3) if route == "job" else []
    prompts = None if route == "job" else ["cat 1"]
    async with watching(mock, first, jobs, prompts=prompts) as stream:
        with trio.move_on_after(1.5):
            await anext(stream)
        limited_at = max(request.answered_at for request in mock.requests)
        asked = len(mock.requests)
        assert mock.requests[-1].status_code == 429
        if how == "kill":
            # What is recorded by now is all that the next run knows.
            await _resumes(mock, first, asked, limited_at + 120, prompts)
    if how == "leave":
        await _resumes(mock, first, asked, limited_at + 120, prompts)


async def _resumes(
    mock: MockLegnext,
    first: Noting,
    asked: int,
    until: float,
    prompts: Sequence[str] | None,
) -> None:
    second = Noting(first.records, takes_over=True)
    async with watching(mock, second, prompts=prompts) as stream:
        with trio.move_on_after(100):
            await anext(stream)
        assert len(mock.requests) == asked
        ends = [event async for event in stream if event.status.is_terminal]
    assert mock.requests[asked].at >= until
    assert {event.status for event in ends} == {JobStatus.COMPLETED}


async def test_a_short_pause_is_not_worth_a_write() -> None:
    """A restart takes longer."""
    recorder, mock = Noting(), _limited(1, route="job")
    async with watching(mock, recorder, mock.add_jobs(3)) as stream:
        await anext(stream)
        assert recorder.written(Learned) == []
