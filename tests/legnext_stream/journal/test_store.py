"""The file: what goes in comes out, all or none, and trouble with it is named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import ConfigurationError, JobStatus, JournalError, JournalInUseError
from legnext_stream._journal import Acknowledged, KeptJob, Learned, Observed, Store, Taken
from tests.effort import examples
from tests.legnext_stream.journal.support import kept, opened

PENDING, RUNNING, DONE = JobStatus.PENDING, JobStatus.PROCESSING, JobStatus.COMPLETED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be."""
    return tmp_path / "batch.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open journal."""
    with closing(opened(path)) as store:
        yield store


def test_an_id_is_kept_with_what_is_known(store: Store) -> None:
    """Ids come back in the order in which they came in, with the status they came with."""
    unknown = JobStatus.UNKNOWN
    store.write([Taken("b", 1.0), Taken("a", 2.0, RUNNING, "processing"), Taken("b", 3.0, RUNNING)])
    store.write([Taken("c", 4.0, unknown, "dreaming")])
    assert store.unfinished() == [
        KeptJob(job_id="b", status=None, words=(), place=None, owed=None),
        KeptJob(job_id="a", status=RUNNING, words=(), place=RUNNING, owed=None),
        KeptJob(job_id="c", status=unknown, words=("dreaming",), place=None, owed=None),
    ]
    assert list(store.ended()) == []


def test_acknowledged_changes_are_what_a_job_begins_with(store: Store) -> None:
    """The last acknowledged status, the last with a place, and all unknown words are kept."""
    dreaming = kept("a", JobStatus.UNKNOWN, raw_status="dreaming")
    store.write(
        [Taken("a", 1.0), Acknowledged(kept("a", RUNNING), 2.0), Acknowledged(dreaming, 3.0)]
    )
    (job,) = store.unfinished()
    assert job == KeptJob(
        job_id="a", status=JobStatus.UNKNOWN, words=("dreaming",), place=RUNNING, owed=None
    )


def test_an_end_is_owed_until_it_is_acknowledged(store: Store) -> None:
    """An observed end comes back whole; once acknowledged, the job is among the ended."""
    end = kept("a", DONE, changed_between=(3.5, 4.25), body={"output": {"seed": "1"}})
    store.write([Taken("a", 1.0), Observed(end)])
    (job,) = store.unfinished()
    assert job.owed == end
    assert list(store.ended()) == []
    store.write([Acknowledged(end, 5.0)])
    assert store.unfinished() == []
    assert list(store.ended()) == ["a"]


def test_an_older_acknowledgement_leaves_a_later_end_owed(store: Store) -> None:
    """A change that is acknowledged after the end was observed doesn't take the end with it."""
    end = kept("a", DONE, observed_at=20.0)
    store.write([Taken("a", 1.0), Observed(end), Acknowledged(kept("a", RUNNING), 21.0)])
    (job,) = store.unfinished()
    assert (job.status, job.owed) == (RUNNING, end)


def test_a_verdict_keeps_its_reason(store: Store) -> None:
    """What the watch itself said of a job comes back with code and reason."""
    end = kept("a", JobStatus.NOT_FOUND, raw_status="", body={}, code=404, reason="no such job")
    store.write([Taken("a", 1.0), Observed(end)])
    assert store.unfinished()[0].owed == end


def test_what_was_learned_is_replaced(store: Store) -> None:
    """Of each name the last state counts; what never was is None."""
    store.write([Learned("pace", {"rate": 1.5}), Learned("pace", {"rate": 2.5})])
    assert store.learned("pace") == {"rate": 2.5}
    assert store.learned("durations") is None


def test_a_write_is_all_or_nothing(store: Store) -> None:
    """Where one entry can't be written, none of its batch is, and the file can go on."""
    store._connection.execute(
        "CREATE TRIGGER no BEFORE INSERT ON learned BEGIN SELECT raise(ABORT, 'no'); END"
    )
    with pytest.raises(JournalError, match=r"can't write the journal .*batch\.db: no"):
        store.write([Taken("a", 1.0), Learned("pace", {})])
    assert store.unfinished() == []
    store.write([Taken("a", 1.0)])
    assert len(store.unfinished()) == 1


def test_it_survives_closing(path: Path) -> None:
    """What was written is there when the file is opened again, whole and alone in its folder."""
    with closing(opened(path)) as store:
        store.write([Taken("a", 1.0)])
    assert {file.name for file in path.parent.iterdir()} <= {"batch.db", "batch.db.lock"}
    with closing(opened(path)) as store:
        assert [job.job_id for job in store.unfinished()] == ["a"]


def test_one_watch_at_a_time(path: Path, store: Store) -> None:
    """The second to open a journal is told so, and the first is not disturbed."""
    with pytest.raises(JournalInUseError, match=r"batch\.db is in use by another watch"):
        opened(path)
    store.write([Taken("a", 1.0)])


def test_it_belongs_to_one_host_and_one_account(path: Path) -> None:
    """Jobs of one account aren't asked for at another's; nothing else is held against the second."""
    opened(path).close()
    with pytest.raises(
        ConfigurationError, match=r"belong to http://legnext\.test, not to http://b"
    ):
        opened(path, base_url="http://b")
    with pytest.raises(ConfigurationError, match="another API key"):
        opened(path, fingerprint=lambda salt: "other " + salt)
    opened(path).close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no database at all, but text of some length " * 40, "not a database"),
        (b"SQLite format 3\0" + bytes(4096), "not a database|malformed"),
    ],
)
def test_a_file_of_another_kind_is_named(path: Path, content: bytes, said: str) -> None:
    """What is no journal stays as it is; the error names the file."""
    path.write_bytes(content)
    with pytest.raises(JournalError, match=rf"can't open the journal .*batch\.db: .*({said})"):
        opened(path)
    assert path.read_bytes() == content


def test_a_damaged_journal_is_not_gone_on_with(path: Path) -> None:
    """Overwritten pages are found when the journal is opened, before anything is built on them."""
    with closing(opened(path)) as store:
        store.write([Taken(f"job-{number}", 1.0) for number in range(2000)])
    damaged = bytearray(path.read_bytes())
    damaged[4096 * 6 : 4096 * 12] = os.urandom(4096 * 6)
    path.write_bytes(damaged)
    with pytest.raises(JournalError, match="can't open the journal"):
        opened(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A path into nowhere is an error that names it."""
    with pytest.raises(JournalError, match=r"can't open the journal .*nowhere"):
        opened(tmp_path / "nowhere" / "batch.db")


def test_a_folder_in_its_place(path: Path) -> None:
    """A folder is no journal; the lock is given back."""
    path.mkdir()
    for _ in range(2):
        with pytest.raises(JournalError, match="can't open the journal"):
            opened(path)


def test_a_lock_that_cant_be_had(path: Path) -> None:
    """Where the lock can't be made the journal isn't opened."""
    path.with_name("batch.db.lock").mkdir()
    with pytest.raises(JournalError, match="can't open the journal"):
        opened(path)
    assert not path.exists()


def test_a_full_disk_is_told(store: Store) -> None:
    """When no page can be added, the write fails, and what was written before is still there."""
    store.write([Taken("a", 1.0)])
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="full"):
        store.write([Taken(f"job-{number}", 1.0) for number in range(5000)])
    assert [job.job_id for job in store.unfinished()] == ["a"]


def test_reading_a_closed_one_is_an_error(path: Path) -> None:
    """Trouble while reading is named like trouble while writing."""
    store = opened(path)
    store.close()
    for read in (store.unfinished, lambda: list(store.ended()), lambda: store.learned("pace")):
        with pytest.raises(JournalError, match="can't read the journal"):
            read()


def test_it_can_be_read_with_plain_sql_meanwhile(path: Path, store: Store) -> None:
    """Another process may look into it while a watch writes."""
    store.write([Taken("a", 1.0), Acknowledged(kept("a", RUNNING), 2.0)])
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        rows = reader.execute("SELECT status, count(*) FROM jobs GROUP BY status").fetchall()
    assert rows == [("processing", 1)]


@examples(25)
@given(
    word=st.text(min_size=1),
    logs=st.lists(st.text()),
    number=st.integers() | st.floats(allow_nan=False),
)
def test_whatever_the_wire_brings_comes_back(
    tmp_path_factory: pytest.TempPathFactory, word: str, logs: list[str], number: float
) -> None:
    """Any text and any number in a body, and any unknown word, is kept as it is."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"
    unknown = kept("a", JobStatus.UNKNOWN, raw_status=word)
    end = kept("a", DONE, body={"logs": logs, "number": number}, observed_at=20.0)
    with closing(opened(path)) as store:
        store.write([Taken("a", 1.0), Acknowledged(unknown, 2.0), Observed(end)])
        (job,) = store.unfinished()
    assert (job.words, job.owed) == ((word,), end)
