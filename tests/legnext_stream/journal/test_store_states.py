"""The journal's file as a state machine: whatever is written, and however often it is closed.

Beside the file there is a model, a few dictionaries that say what each entry means. A journal that is
closed, or lost with its process, and opened again says what the model says, and plain SQL does too.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import attrs
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

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal import Entry, KeptEvent, KeptJob, Store
from legnext_stream._journal.entries import (
    Acknowledged,
    Learned,
    Observed,
    Removed,
    Taken,
)
from tests.effort import examples
from tests.legnext_stream.journal.support import kept, opened

IDS = ["a", "b", "c"]
TERMINAL = [status for status in JobStatus if status.is_terminal]

ids = st.sampled_from(IDS)
times = st.integers(0, 20).map(float)
words = st.sampled_from(["paused", "melting", "\x00", "ü\U0001f600", "a'b\"c"])
statuses = st.sampled_from([status for status in JobStatus if not status.is_terminal])
bodies = st.dictionaries(
    st.text(max_size=5, alphabet=st.characters(exclude_categories=["Cs"])),
    st.none() | st.integers(-(10**30), 10**30) | st.text(max_size=5) | st.just([{"b": [1.5]}]),
    max_size=3,
)


@st.composite
def events(draw: st.DrawFn, statuses: st.SearchStrategy[JobStatus]) -> KeptEvent:
    """An event of one of the jobs."""
    status = draw(statuses)
    return kept(
        draw(ids),
        status,
        raw_status=draw(words) if status is JobStatus.UNKNOWN else str(status),
        observed_at=draw(times),
        body=draw(bodies),
    )


@attrs.define
class Row:
    """What the model knows of a job."""

    status: JobStatus | None = None
    place: JobStatus | None = None
    words: tuple[str, ...] = ()
    is_ended: bool = False


class StoreStates(RuleBasedStateMachine):
    """All that can be done to a journal."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "batch.db"
        self.store: Store | None = opened(self.path)
        self.jobs: dict[str, Row] = {}
        self.owed: dict[str, KeptEvent] = {}
        self.learned: dict[str, dict[str, object]] = {}
        self.acknowledged = 0

    def write(self, entries: Sequence[Entry]) -> None:
        """Write to the file, and to the model."""
        assert self.store is not None
        self.store.write(entries)
        for entry in entries:
            match entry:
                case Taken():
                    self.take(entry)
                case Observed():
                    self.owed[entry.event.job_id] = entry.event
                case Acknowledged():
                    self.acknowledge(entry.event)
                case Removed():
                    self.jobs.pop(entry.job_id, None)
                    self.owed.pop(entry.job_id, None)
                case Learned():
                    self.learned[entry.name] = dict(entry.state)

    def take(self, entry: Taken) -> None:
        """What it means that an id has come in."""
        status = entry.status
        if status is JobStatus.UNKNOWN:
            row = Row(status, None, (entry.raw_status,))
        else:
            row = Row(status, status)
        self.jobs.setdefault(entry.job_id, row)

    def acknowledge(self, event: KeptEvent) -> None:
        """What it means that the consumer is done with an event."""
        self.acknowledged += 1
        row = self.jobs.get(event.job_id)
        if row is not None:
            row.status, row.is_ended = event.status, event.status.is_terminal
            if event.status is JobStatus.UNKNOWN:
                row.words += (event.raw_status,)
            else:
                row.place = event.status
        owed = self.owed.get(event.job_id)
        if owed is not None and owed.observed_at <= event.observed_at:
            del self.owed[event.job_id]

    is_open = precondition(lambda self: self.store is not None)

    @is_open
    @rule(
        entries=st.lists(
            st.one_of(
                st.builds(Taken, ids, times, st.none() | statuses, words),
                st.builds(Observed, events(st.sampled_from(TERMINAL))),
                st.builds(Acknowledged, events(st.sampled_from(JobStatus)), times),
                st.builds(Removed, ids),
                st.builds(
                    Learned, st.sampled_from(["pace", "durations"]), st.just({"a": {"b": 1.5}})
                ),
            ),
            max_size=5,
        )
    )
    def write_entries(self, entries: list[Entry]) -> None:
        """A group of entries goes to the disk."""
        self.write(entries)

    @is_open
    @rule(taken=st.builds(Taken, ids, times))
    def write_half_a_group(self, taken: Taken) -> None:
        """A group of which one entry can't be written is not written at all."""
        assert self.store is not None
        unwritable = Acknowledged(kept("a", JobStatus.FAILED, raw_status="\ud800"), 1.0)
        try:
            self.store.write([taken, Removed("b"), unwritable])
        except UnicodeEncodeError:
            return
        raise AssertionError("it was written")

    @is_open
    @rule()
    def close(self) -> None:
        """The watch ends."""
        assert self.store is not None
        self.store.close()
        self.store = None

    @is_open
    @rule()
    def die(self) -> None:
        """The process is killed: the system releases the lock, and nobody closes the file."""
        assert self.store is not None
        self.store._lock.release()
        self.dead = self.store
        self.store = opened(self.path)
        self.dead._connection.close()

    @precondition(lambda self: self.store is None)
    @rule()
    def open(self) -> None:
        """Another watch begins."""
        self.store = opened(self.path)

    @invariant()
    def says_what_the_model_says(self) -> None:
        """Of every job, in the order in which they came."""
        if self.store is None:
            return
        expected = [
            KeptJob(
                job_id=job_id,
                status=row.status,
                words=row.words,
                place=row.place,
                owed=None if job_id not in self.owed else without_previous(self.owed[job_id]),
            )
            for job_id, row in self.jobs.items()
            if not row.is_ended
        ]
        assert self.store.unfinished() == expected
        assert set(self.store.ended()) == {i for i, row in self.jobs.items() if row.is_ended}
        for name in ("pace", "durations"):
            assert self.store.learned(name) == self.learned.get(name)

    @invariant()
    def can_be_read_with_plain_sql(self) -> None:
        """By whoever likes, at any time; JSON that SQLite can read, every event once."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            query = "SELECT count(*), coalesce(min(json_valid(body)), 1) FROM events"
            assert connection.execute(query).fetchone() == (self.acknowledged, 1)

    def teardown(self) -> None:
        """Leave nothing behind."""
        if self.store is not None:
            self.store.close()
        self.folder.cleanup()


def without_previous(event: KeptEvent) -> KeptEvent:
    """An event as it is read: its body as JSON makes it."""
    return attrs.evolve(event, body=dict(event.body))


@pytest.mark.hypothesis
def test_store_states() -> None:
    """No order of entries, ends and beginnings parts the file from the model."""
    run_state_machine_as_test(StoreStates, settings=settings(examples(25), stateful_step_count=20))
