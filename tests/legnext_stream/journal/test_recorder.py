"""What every recorder promises: the file and the one in memory do alike, whatever is written.

The one in memory is the model: a few dictionaries in which each record does what it says. Both are
driven through all that can happen to a recorder, and must answer, and read, the same after each step.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from legnext_stream import JobStatus, JournalInUseError, Prompt
from legnext_stream._journal import SqliteRecorder
from legnext_stream._journal.recorder import Outcome, Recorder, Written
from legnext_stream._journal.records import (
    Claimed,
    Content,
    Learned,
    LoggedEvent,
    Place,
    Record,
    RecordedEvent,
    RecordedPrompt,
    Removed,
    Reopened,
    Reported,
    Sending,
    Settled,
    Taken,
)
from mockserver import run_virtual
from tests.effort import examples
from tests.legnext_stream.journal.memory import MemoryRecorder, Records
from tests.legnext_stream.journal.support import (
    acknowledged,
    ended,
    event,
    recorder_of,
    unfinished,
    write,
)

# In memory where that can be had: what is written counts here, and not whether it survives a power cut.
_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - see above
PENDING, RUNNING, DONE = JobStatus.PENDING, JobStatus.PROCESSING, JobStatus.COMPLETED
# The statuses of a job's events, by their sequence: no two the same. More are unknown words.
STATUSES = [PENDING, JobStatus.STAGED, RUNNING]
WORDS = ["paused", "\x00", "ü\U0001f600", "a'b\"c"]
BODIES = st.dictionaries(
    st.text(max_size=5, alphabet=st.characters(exclude_categories=["Cs"])),
    st.none() | st.integers(-(10**30), 10**30) | st.text(max_size=5) | st.just([{"b": [1.5]}]),
    max_size=3,
)

jobs = st.sampled_from(["a", "b", "c"])
times = st.integers(0, 20).map(float)
attempts = st.sampled_from(["x", "y"])
positions = st.integers(1, 3)
prompts = st.builds(Prompt, st.sampled_from(["cat", "dog"]), tag=st.sampled_from([None, [1]]))


def nth(job_id: str, sequence: int, *, is_end: bool, **fields: Any) -> RecordedEvent:  # noqa: ANN401 - passed on
    """The event of a job with this sequence."""
    if is_end:
        return event(job_id, JobStatus.FAILED, sequence, **fields)
    if sequence <= len(STATUSES):
        return event(job_id, STATUSES[sequence - 1], sequence, **fields)
    word = WORDS[sequence % len(WORDS)] + str(sequence)
    return event(job_id, JobStatus.UNKNOWN, sequence, raw_status=word, **fields)


class RecorderStates(RuleBasedStateMachine):
    """All that can happen to a recorder."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=_FOLDER)
        self.path = Path(self.folder.name) / "batch.db"
        self.records = Records()
        self.file = recorder_of(self.path)
        self.memory = MemoryRecorder(self.records)
        self.both(lambda recorder: recorder.open())
        self.number = 0
        self.last: Sequence[Record] = ()

    def both(self, do: Callable[[Recorder], Awaitable[object]]) -> Any:  # noqa: ANN401 - what comes back
        """Do something with both recorders; what comes back has to be the same."""
        results: list[object] = []

        async def main() -> None:
            results.extend([await do(recorder) for recorder in (self.file, self.memory)])

        run_virtual(main)
        assert results[0] == results[1]
        return results[0]

    def write(self, records: Sequence[Record]) -> Written:
        """Write the next batch."""
        written: Written = self.both(lambda recorder: recorder.write(self.number + 1, records))
        if written.outcome is Outcome.DONE:
            self.number += 1
            self.last = records
        return written

    def sequence(self, job_id: str) -> int:
        """How many events of a job were reported."""
        job = self.records.jobs.get(job_id)
        return 0 if job is None else job.sequence

    @rule(
        taken=st.lists(
            st.builds(Taken, jobs, times, st.sampled_from([None, *STATUSES]))
            | st.builds(Taken, jobs, times, st.just(JobStatus.UNKNOWN), st.sampled_from(WORDS)),
            min_size=1,
            max_size=3,
        )
    )
    def take(self, taken: list[Taken]) -> None:
        """Ids come in, with what is known of them."""
        self.write(taken)

    @rule(
        job_id=jobs,
        ahead=st.sampled_from([1, 1, 1, 1, 0, -1, 2]),
        count=st.integers(1, 3),
        is_end=st.booleans(),
        observed_at=times,
        body=BODIES,
    )
    def report(
        self,
        job_id: str,
        ahead: int,
        count: int,
        *,
        is_end: bool,
        **fields: Any,  # noqa: ANN401 - passed on
    ) -> None:
        """Events are made: mostly the next of a job, or one that is recorded, or one too far."""
        first = max(1, self.sequence(job_id) + ahead)
        events = [
            nth(job_id, number, is_end=is_end and number == first + count - 1, **fields)
            for number in range(first, first + count)
        ]
        written = self.write([Reported(one) for one in events])
        if job_id not in self.records.jobs or ahead > 1:
            assert written.outcome is Outcome.GAP

    @rule(job_id=jobs, which=st.integers(0, 5), at=times)
    def acknowledge(self, job_id: str, which: int, at: float) -> None:
        """The consumer is done with one of the events of a job, perhaps not for the first time."""
        log = [one.event for one in self.records.log.values() if one.event.job_id == job_id]
        if log:
            self.write([acknowledged(log[which % len(log)], at)])

    @rule(job_id=jobs)
    def remove(self, job_id: str) -> None:
        """A job is watched no longer; it may be taken again later."""
        self.write([Removed(job_id)])

    @rule(name=st.sampled_from(["pace", "durations"]), state=BODIES)
    def learn(self, name: str, state: dict[str, object]) -> None:
        """Something was learned."""
        self.write([Learned(name, state)])

    @rule(given=st.lists(prompts, min_size=1, max_size=4), at=times)
    def claim(self, given: list[Prompt], at: float) -> None:
        """Prompts come in."""
        written = self.write([Claimed(Content.of(prompt), at) for prompt in given])
        assert len(written.places) == len(given)

    @rule(position=positions, attempt=attempts, job_id=st.none() | jobs, what=st.integers(0, 3))
    def submit(self, position: int, attempt: str, job_id: str | None, what: int) -> None:
        """A prompt is submitted, or something becomes known of a submit."""
        if position in self.records.prompts:
            settled = Settled(position=position, attempt=attempt, job_id=job_id, at=3.0)
            self.write([settled if what > 1 else Sending(position, attempt)])

    @rule(position=positions, is_lasting=st.booleans(), then=st.sampled_from(["read", "again", ""]))
    def refuse(self, position: int, *, is_lasting: bool, then: str) -> None:
        """A prompt ends without a job, and is perhaps acknowledged, or submitted again."""
        if position in self.records.prompts:
            status = JobStatus.NOT_SUBMITTED
            end = event(
                "", status, position=position, is_lasting=is_lasting, raw_status="", body={}
            )
            done: dict[str, list[Record]] = {
                "read": [acknowledged(end)],
                "again": [Reopened(position)],
            }
            self.write([Reported(end), *done.get(then, [])])

    @rule()
    def repeat(self) -> None:
        """The last batch is written again: both say what they said, and nothing changes."""
        if self.number:
            logged = len(self.records.log)
            written: Written = self.both(lambda recorder: recorder.write(self.number, self.last))
            assert written.outcome is Outcome.DONE
            assert len(self.records.log) == logged

    @rule(job_id=jobs)
    def skip(self, job_id: str) -> None:
        """A batch is missing before this one: it is refused."""
        written: Written = self.both(
            lambda recorder: recorder.write(self.number + 2, [Taken(job_id, 1.0)])
        )
        assert written == Written(Outcome.GAP)

    @rule(job_id=jobs)
    def write_half_a_batch(self, job_id: str) -> None:
        """A batch of which one record can't be written is not written at all."""
        far = nth(job_id, self.sequence(job_id) + 9, is_end=False)
        assert self.write([Removed("b"), Taken(job_id, 1.0), Reported(far)]).outcome is Outcome.GAP

    @rule(how=st.sampled_from(["close", "die", "is taken over"]))
    def begin_anew(self, how: str) -> None:
        """A run ends in order, or is killed, or loses the records to another run."""
        old = self.file, self.memory
        if how == "close":
            self.both(lambda recorder: recorder.close())
        elif how == "die":
            # The system releases a dead process's lock, and nothing is closed.
            self.file._lock.release()
            self.records.owner = None
        else:
            self.path.with_name("batch.db.lock").unlink()
        self.file = recorder_of(self.path)
        self.memory = MemoryRecorder(self.records, takes_over=how == "is taken over")
        self.both(lambda recorder: recorder.open())
        self.number = 0
        if how == "is taken over":
            self.write_fenced(*old)
        if how != "close":
            run_virtual(old[0].close)

    def write_fenced(self, file: SqliteRecorder, memory: MemoryRecorder) -> None:
        """What the run that has lost the records writes is refused, but for what its submits made."""
        new, (self.file, self.memory) = (self.file, self.memory), (file, memory)
        settled = [
            Settled(position=position, attempt=attempt, job_id=f"of {attempt}", at=1.0)
            for position, attempt in self.records.attempts.items()
        ]
        written = self.both(lambda old: old.write(100, [Removed("a"), *settled, Removed("b")]))
        assert written == Written(Outcome.FENCED)
        self.file, self.memory = new

    @invariant()
    def read_alike(self) -> None:
        """All that can be read is the same, in the same order."""

        async def read(recorder: Recorder) -> object:
            log: list[LoggedEvent] = []
            unsent: list[RecordedPrompt] = []
            after = 0
            while page := await recorder.read_events(after, 2):
                log += page
                after = page[-1].number
            after = 0
            while some := await recorder.unsent_prompts(after, 1):
                unsent += some
                after = some[-1].position
            return (
                sorted(await ended(recorder)),
                await unfinished(recorder),
                [await recorder.learned(name) for name in ("pace", "durations")],
                list(await recorder.open_prompts()),
                unsent,
                log,
            )

        self.both(read)

    @precondition(lambda self: self.records.log)
    @invariant()
    def can_be_read_with_plain_sql(self) -> None:
        """By any program, at any time: every event once, and JSON that SQLite understands."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            query = "SELECT count(*), count(acknowledged_at), min(json_valid(body)) FROM events"
            told = [one.acknowledged_at for one in self.records.log.values()]
            expected = (len(told), len(told) - told.count(None), 1)
            assert connection.execute(query).fetchone() == expected

    def teardown(self) -> None:
        """Leave nothing behind."""
        run_virtual(self.file.close)
        self.folder.cleanup()


@pytest.mark.hypothesis
def test_recorders_do_alike() -> None:
    """No order of records, ends and beginnings parts the file from the model."""
    run_state_machine_as_test(
        RecorderStates, settings=settings(examples(30), stateful_step_count=25)
    )


# ---------------------------------------------------------------- each promise by itself


@pytest.fixture(params=["file", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Recorder]:
    """Makes recorders, one after the other, of the same records."""
    path, records = tmp_path / "batch.db", Records()
    if request.param == "file":
        return lambda: recorder_of(path)
    return lambda: MemoryRecorder(records)


async def test_an_id_is_recorded_with_what_is_known(make: Callable[[], Recorder]) -> None:
    """Ids come back in the order in which they came in, with the status they came with."""
    recorder, unknown = make(), JobStatus.UNKNOWN
    await recorder.open()
    await write(
        recorder,
        [Taken("b", 1.0), Taken("a", 2.0, RUNNING, "processing"), Taken("b", 3.0, RUNNING)],
        [Taken("c", 4.0, unknown, "dreaming")],
    )
    b, a, c = await unfinished(recorder)
    assert [(job.job_id, job.status, job.place) for job in (b, a)] == [
        ("b", None, None),
        ("a", RUNNING, RUNNING),
    ]
    assert (c.status, c.place, c.words) == (unknown, None, ("dreaming",))
    assert await ended(recorder) == []
    await recorder.close()


async def test_events_are_unacknowledged_until_they_are_acknowledged(
    make: Callable[[], Recorder],
) -> None:
    """With all those before them; an end takes the job to the ended ones."""
    recorder = make()
    await recorder.open()
    events = [event("a", PENDING), event("a", RUNNING, 2), event("a", DONE, 3)]
    await write(recorder, [Taken("a", 1.0), *map(Reported, events)])
    (job,) = await unfinished(recorder)
    assert (job.status, job.sequence, list(job.unacknowledged)) == (DONE, 3, events)
    await recorder.write(2, [acknowledged(events[1])])
    (job,) = await unfinished(recorder)
    assert (job.status, list(job.unacknowledged)) == (DONE, events[2:])
    await recorder.write(3, [acknowledged(events[2], 30.0)])
    assert await unfinished(recorder) == []
    assert await ended(recorder) == ["a"]
    log = await recorder.read_events(0, 10)
    assert [one.acknowledged_at for one in log] == [20.0, 20.0, 30.0]
    await recorder.close()


async def test_what_is_missing_is_a_gap(make: Callable[[], Recorder]) -> None:
    """A batch, an event, or a job: then nothing of the batch is recorded, and later ones can be."""
    recorder = make()
    await recorder.open()
    await write(recorder, [Taken("a", 1.0)])
    refused: list[tuple[int, list[Record]]] = [
        (3, [Taken("b", 1.0)]),
        (2, [Taken("b", 1.0), Reported(event("a", PENDING, 2))]),
        (2, [Reported(event("c", PENDING))]),
    ]
    for number, records in refused:
        assert await recorder.write(number, records) == Written(Outcome.GAP)
    assert (await recorder.write(2, [Reported(event("a", PENDING))])).outcome is Outcome.DONE
    assert [job.job_id for job in await unfinished(recorder)] == ["a"]
    await recorder.close()


async def test_a_repeat_changes_nothing(make: Callable[[], Recorder]) -> None:
    """Not even where a job was removed and taken again; claims are answered as before."""
    recorder = make()
    await recorder.open()
    await write(recorder, [Taken("a", 1.0), Reported(event("a", PENDING))])
    again: list[Record] = [
        Removed("a"),
        Taken("a", 2.0),
        Reported(event("a", RUNNING)),
        Claimed(Content.of(Prompt("cat")), 2.0),
    ]
    written = await recorder.write(2, again)
    log = await recorder.read_events(0, 10)
    assert (
        await recorder.write(2, again) == written == Written(Outcome.DONE, [Place(1, is_new=True)])
    )
    assert await recorder.read_events(0, 10) == log
    assert [one.event.status for one in log] == [RUNNING]
    assert log[0].number > 1, "a position in the log is never used again"
    await recorder.close()


async def test_one_run_at_a_time(make: Callable[[], Recorder]) -> None:
    """The second is refused, and the first is not disturbed; then it is the second's turn."""
    first, second = make(), make()
    await first.open()
    with pytest.raises(JournalInUseError, match="in use by another watch"):
        await second.open()
    await write(first, [Taken("a", 1.0)])
    await first.close()
    await second.open()
    assert [job.job_id for job in await unfinished(second)] == ["a"]
    await second.close()


async def test_a_submit_is_settled_by_its_attempt(make: Callable[[], Recorder]) -> None:
    """What an older attempt has made changes nothing; a job that was made comes in with it."""
    recorder = make()
    await recorder.open()

    def settled(attempt: str, job_id: str | None) -> Settled:
        return Settled(position=1, attempt=attempt, job_id=job_id, at=3.0)

    await write(
        recorder,
        [Claimed(Content.of(Prompt("cat")), 1.0)],
        [Sending(1, "x"), settled("x", None), Sending(1, "y"), settled("x", "job-x")],
    )
    (prompt,) = await recorder.open_prompts()
    assert prompt.state == "sending"
    await recorder.write(3, [settled("y", "job-y"), settled("y", None)])
    (prompt,) = await recorder.open_prompts()
    assert (prompt.state, prompt.job_id) == ("submitted", "job-y")
    assert [job.job_id for job in await unfinished(recorder)] == ["job-y"]
    await recorder.close()


async def test_each_run_claims_what_it_is_given(make: Callable[[], Recorder]) -> None:
    """Of prompts that say the same, the nth that a run is given is the nth that is recorded."""

    async def claimed(*texts: str) -> list[tuple[int, bool]]:
        recorder = make()
        await recorder.open()
        written = await recorder.write(
            1, [Claimed(Content.of(Prompt(text)), 5.0) for text in texts]
        )
        await recorder.close()
        return [(place.position, place.is_new) for place in written.places]

    assert await claimed("a", "a", "b") == [(1, True), (2, True), (3, True)]
    assert await claimed("b", "a") == [(3, False), (1, False)]
    assert await claimed("a", "a", "a", "c") == [(1, False), (2, False), (4, True), (5, True)]
