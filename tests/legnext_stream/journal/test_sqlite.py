"""The journal's file: what goes in comes out, it is on the disk, and trouble with it is named."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import (
    ConfigurationError,
    JobStatus,
    JournalError,
    JournalInUseError,
    LegnextError,
    Prompt,
)
from legnext_stream._journal import SqliteRecorder
from legnext_stream._journal.contents import read_standing
from legnext_stream._journal.recorder import Outcome, Written
from legnext_stream._journal.records import (
    Claimed,
    Content,
    Learned,
    Record,
    Reported,
    Sending,
    Settled,
    Taken,
)
from legnext_stream._journal.schema import VERSION
from mockserver import run_virtual
from tests.effort import examples
from tests.legnext_stream.journal.support import (
    acknowledged,
    ended,
    event,
    opened,
    recorder_of,
    unfinished,
    write,
)

PENDING, RUNNING, DONE = JobStatus.PENDING, JobStatus.PROCESSING, JobStatus.COMPLETED
_NOBODY = 65534
"""A user who owns nothing."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be."""
    return tmp_path / "batch.db"


@pytest.fixture
async def recorder(path: Path) -> AsyncIterator[SqliteRecorder]:
    """An open journal."""
    async with opened(path) as recorder:
        yield recorder


def connection_of(recorder: SqliteRecorder) -> sqlite3.Connection:
    """The connection of an open journal."""
    assert recorder._connection is not None
    return recorder._connection


async def write_from(recorder: SqliteRecorder, first: int, *batches: list[Record]) -> None:
    """Write further batches of a run; the first of them has this number."""
    for number, records in enumerate(batches, first):
        assert (await recorder.write(number, records)).outcome is Outcome.DONE


def read_file(path: Path) -> bytes:
    """The content of a file."""
    return path.read_bytes()


def make_file(path: Path, content: bytes | bytearray) -> None:
    """A file with this content."""
    path.write_bytes(content)


def make_folder(path: Path) -> None:
    """A folder."""
    path.mkdir()


def names_in(folder: Path) -> set[str]:
    """The names of all files in a folder."""
    return {file.name for file in folder.iterdir()}


async def filled(path: Path) -> bytes:
    """Make a journal with something in each table; return the file."""
    async with opened(path) as recorder:
        first = [event(f"job-{n}", DONE) for n in range(10)]
        second = [event(f"job-{n}", PENDING) for n in range(10, 20)]
        third = [event(f"job-{n}", JobStatus.FAILED, 2 if n < 20 else 1) for n in range(15, 25)]
        await write(
            recorder,
            [Taken(f"job-{number}", 1.0) for number in range(40)],
            [*map(Reported, first + second), *map(acknowledged, first + second)],
            [Reported(each) for each in third],
            [Learned("pace", {"ceiling": 1.5}), Learned("durations", {})],
            [Claimed(Content.of(Prompt("cat", tag=1)), 1.0)],
        )
    return read_file(path)


async def read_all(path: Path) -> None:
    """Read all that a watch begins with."""
    async with opened(path) as recorder:
        await unfinished(recorder)
        await ended(recorder)
        await recorder.learned("pace")
        await recorder.unsent_prompts(0, 10)
        await recorder.open_prompts()
        await recorder.read_events(0, 100)


async def altered(path: Path, statement: str) -> None:
    """Make a journal that has been changed by hand."""
    await filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


# ---------------------------------------------------------------- a file that is as it should be


async def test_an_event_comes_back_whole(recorder: SqliteRecorder) -> None:
    """With its body, its times, and code and reason of a verdict."""
    end = event(
        "a",
        JobStatus.NOT_FOUND,
        previous=RUNNING,
        changed_between=(3.5, 4.25),
        body={"output": {"seed": "1"}},
        code=404,
        reason="no such job",
    )
    await write(recorder, [Taken("a", 1.0), Reported(end)])
    (job,) = await unfinished(recorder)
    assert list(job.unacknowledged) == [end]


async def test_a_write_is_all_or_nothing(recorder: SqliteRecorder) -> None:
    """Where one record can't be written, none of its batch is, and the file can go on."""
    connection = connection_of(recorder)
    connection.execute(
        "CREATE TRIGGER no BEFORE INSERT ON learned BEGIN SELECT raise(ABORT, 'no'); END"
    )
    with pytest.raises(JournalError, match=r"can't write the journal .*batch\.db: no"):
        await recorder.write(1, [Taken("a", 1.0), Learned("pace", {})])
    assert await unfinished(recorder) == []
    await write(recorder, [Taken("a", 1.0)])
    assert len(await unfinished(recorder)) == 1


async def test_it_survives_closing(path: Path) -> None:
    """What was written is there when the file is opened again, whole and alone in its folder."""
    async with opened(path) as recorder:
        assert repr(recorder) == f"<SqliteRecorder {path}>"
        await write(recorder, [Taken("a", 1.0)])
    assert names_in(path.parent) <= {"batch.db", "batch.db.lock"}
    async with opened(path) as recorder:
        assert [job.job_id for job in await unfinished(recorder)] == ["a"]


async def test_a_large_journal_is_read_in_pages(
    recorder: SqliteRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, in order."""
    monkeypatch.setattr("legnext_stream._journal.sqlite._PAGE", 3)
    ids = [f"job-{number:02}" for number in range(20)]
    ends = [event(job_id, DONE) for job_id in ids[::2]]
    await write(
        recorder,
        [Taken(job_id, 1.0) for job_id in ids],
        [*map(Reported, ends), *map(acknowledged, ends)],
        [Reported(event(job_id, PENDING)) for job_id in ids[1::2]],
    )
    assert [job.job_id for job in await unfinished(recorder)] == ids[1::2]
    assert await ended(recorder) == ids[::2]


async def test_it_belongs_to_one_host_and_one_account(path: Path) -> None:
    """Jobs of one account aren't asked for at another's; the first can open it again."""
    async with opened(path):
        pass
    with pytest.raises(
        ConfigurationError, match=r"belong to http://legnext\.test, not to http://b"
    ):
        await recorder_of(path, base_url="http://b").open()
    with pytest.raises(ConfigurationError, match="another API key"):
        await recorder_of(path, fingerprint=lambda salt: "other " + salt).open()
    async with opened(path):
        pass


async def test_a_run_that_has_lost_the_file_is_fenced(path: Path, recorder: SqliteRecorder) -> None:
    """By deleting the lock, for example, while a watch was running."""
    path.with_name("batch.db.lock").unlink()
    async with opened(path) as other:
        assert await recorder.write(1, [Taken("a", 1.0)]) == Written(Outcome.FENCED)
        await write(other, [Taken("b", 1.0)])
        assert [job.job_id for job in await unfinished(other)] == ["b"]


async def test_a_fenced_run_still_records_what_its_submits_made(
    path: Path, recorder: SqliteRecorder
) -> None:
    """The job of a submit that was on its way is kept; the rest of the batch is not."""
    await write(
        recorder,
        [Claimed(content=Content.of(Prompt("a fox")), at=1.0)],
        [Sending(position=1, attempt="first")],
    )
    path.with_name("batch.db.lock").unlink()
    async with opened(path) as other:
        settled = Settled(position=1, attempt="first", job_id="a", at=2.0)
        assert await recorder.write(3, [settled, Taken("b", 2.0)]) == Written(Outcome.FENCED)
        assert [job.job_id for job in await unfinished(other)] == ["a"]


async def test_repeated_records_change_nothing(recorder: SqliteRecorder) -> None:
    """An event that is in the log already, and an acknowledgement of one that is not owed."""
    first = event("a", RUNNING)
    await write(recorder, [Taken("a", 1.0)], [Reported(first)], [Reported(first)])
    await write_from(recorder, 4, [acknowledged(first)], [acknowledged(first)])
    (logged,) = await recorder.read_events(0, 10)
    assert logged.event == first


async def test_text_that_is_not_utf8_is_damage(recorder: SqliteRecorder) -> None:
    """Python can't decode it, and the error names the file."""
    with pytest.raises(JournalError, match=r"can't read the journal .*batch\.db: it is damaged"):
        await recorder._read(lambda _: b"\xff".decode())


async def test_another_program_that_writes_makes_it_unavailable(
    path: Path, recorder: SqliteRecorder
) -> None:
    """For as long as it does, and not for good."""
    connection_of(recorder).execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await recorder.write(1, [Taken("a", 1.0)]) == Written(Outcome.UNAVAILABLE)
        other.execute("COMMIT")
    await write(recorder, [Taken("a", 1.0)])
    assert [job.job_id for job in await unfinished(recorder)] == ["a"]


async def test_it_can_be_read_with_plain_sql_meanwhile(
    path: Path, recorder: SqliteRecorder
) -> None:
    """Another process may look into it while a watch writes."""
    reported = event("a", RUNNING)
    await write(recorder, [Taken("a", 1.0), Reported(reported), acknowledged(reported)])
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
    """Any text and any number in a body, and any unknown word, is recorded as it is."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"
    unknown = event("a", JobStatus.UNKNOWN, raw_status=word)
    end = event("a", DONE, 2, body={"logs": logs, "number": number})

    async def main() -> None:
        async with opened(path) as recorder:
            await write(recorder, [Taken("a", 1.0), Reported(unknown), Reported(end)])
            (job,) = await unfinished(recorder)
        assert (job.words, list(job.unacknowledged)) == ((word,), [unknown, end])

    run_virtual(main)


# ---------------------------------------------------------------- what is not a journal of ours


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no database at all, but text of some length " * 40, "not a database"),
        (b"SQLite format 3\0" + bytes(4096), "not a database|malformed"),
    ],
)
async def test_a_file_of_another_kind_is_named(path: Path, content: bytes, said: str) -> None:
    """What is no journal stays as it is; the error names the file."""
    make_file(path, content)
    with pytest.raises(JournalError, match=rf"can't open the journal .*batch\.db: .*({said})"):
        await recorder_of(path).open()
    assert read_file(path) == content


async def test_a_damaged_journal_is_not_resumed(path: Path) -> None:
    """Overwritten pages are found when the journal is opened, before anything is built on them."""
    async with opened(path) as recorder:
        await write(recorder, [Taken(f"job-{number}", 1.0) for number in range(2000)])
    damaged = bytearray(read_file(path))
    damaged[4096 * 6 : 4096 * 12] = os.urandom(4096 * 6)
    make_file(path, damaged)
    with pytest.raises(JournalError, match="can't open the journal"):
        await recorder_of(path).open()


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A path into nowhere is an error that names it."""
    with pytest.raises(JournalError, match=r"can't open the journal .*nowhere"):
        await recorder_of(tmp_path / "nowhere" / "batch.db").open()


async def test_a_folder_in_its_place(path: Path) -> None:
    """A folder is no journal; the lock is released."""
    make_folder(path)
    for _ in range(2):
        with pytest.raises(JournalError, match="can't open the journal"):
            await recorder_of(path).open()


async def test_a_lock_that_cant_be_had(path: Path) -> None:
    """Where the lock can't be made the journal isn't opened."""
    make_folder(path.with_name("batch.db.lock"))
    with pytest.raises(JournalError, match="can't open the journal"):
        await recorder_of(path).open()
    assert names_in(path.parent) == {"batch.db.lock"}


async def _newer(path: Path) -> None:
    await altered(path, f"PRAGMA user_version = {VERSION + 1}")


async def _another_programs(path: Path) -> None:
    await trio.lowlevel.checkpoint()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE cats (name TEXT)")


async def _damaged(path: Path) -> None:
    damaged = bytearray(await filled(path))
    damaged[4096:] = random.Random(1).randbytes(len(damaged) - 4096)
    make_file(path, damaged)


async def _cut(path: Path) -> None:
    make_file(path, (await filled(path))[: 4096 * 3])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_another_programs, "can't open the journal {}: it is a database, but not a journal"),
        (_newer, "can't open the journal {}: it is of version 4, and this library knows"),
        (_damaged, "can't open the journal {}: "),
        (_cut, "can't open the journal {}: "),
    ],
)
async def test_it_is_left_as_it_is(
    path: Path, make: Callable[[Path], Awaitable[None]], said: str
) -> None:
    """One clear error, each time, and no change to what is in the file."""
    await make(path)

    def content() -> object:
        try:
            return attrs.asdict(read_standing(path))
        except JournalError:
            return read_file(path)

    before = content()
    for _ in range(2):  # the first left no lock behind
        with pytest.raises(JournalError) as raised:
            await recorder_of(path).open()
        assert said.format(path) in str(raised.value)
    assert content() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET status = 'melting' WHERE job_id = 'job-12'",
        "UPDATE jobs SET place = 'melting' WHERE job_id = 'job-12'",
        "UPDATE jobs SET words = 'none' WHERE job_id = 'job-12'",
        "UPDATE jobs SET words = '{}' WHERE job_id = 'job-12'",
        "UPDATE events SET status = 'melting' WHERE job_id = 'job-22'",
        "UPDATE events SET previous = 'melting' WHERE job_id = 'job-22'",
        "UPDATE events SET body = '[]' WHERE job_id = 'job-22'",
        "UPDATE events SET body = '{' WHERE job_id = 'job-22'",
        "UPDATE learned SET state = '[]'",
        "UPDATE learned SET state = '{'",
        "UPDATE learned SET state = ''",
        "UPDATE prompts SET params = '{'",
        "UPDATE prompts SET tag = '{'",
        "UPDATE prompts SET task_type = '{'",
    ],
)
async def test_what_no_watch_has_written_is_damage(path: Path, statement: str) -> None:
    """Sound pages with words in them that mean nothing: they are not guessed at."""
    await altered(path, statement)
    with pytest.raises(JournalError, match=r"can't read the journal .*: it is damaged: "):
        await read_all(path)


@examples(60)
@given(data=st.data())
def test_no_change_of_bytes_brings_out_an_error_of_another_kind(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever happened to a file: it is read, or there is an error of ours."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"

    async def main() -> None:
        damaged = bytearray(await filled(path))
        for _ in range(data.draw(st.integers(1, 8))):
            at = data.draw(st.integers(0, len(damaged) - 1))
            some = data.draw(st.binary(min_size=1, max_size=16))
            damaged[at : at + len(some)] = some
        make_file(path, damaged)
        try:
            await read_all(path)
        except LegnextError as error:
            assert str(path) in str(error)  # noqa: PT017 - which of both comes is left open
        try:
            read_standing(path)
        except LegnextError as error:
            assert str(path) in str(error)  # noqa: PT017 - here, too

    run_virtual(main)


async def test_damage_that_has_no_words(path: Path) -> None:
    """Where SQLite's own message is no text, because it quotes the damaged file, there is ours."""
    make_file(path, (await filled(path)).replace(b"STRICT", b"STRIC\x80"))
    with pytest.raises(JournalError, match=r"the journal .*batch.db: "):
        await recorder_of(path).open()
    with pytest.raises(JournalError, match=r"the journal .*batch.db: "):
        read_standing(path)


# ---------------------------------------------------------------- what may not be written


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Act as a user to whom file permissions apply: they don't apply to root, as which tests may run."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        yield path
        path.chmod(0o777)


@contextmanager
def _as_nobody_in(folder: Path) -> Iterator[None]:
    """The same, and the folder may not be written."""
    folder.chmod(0o555)
    with _as_nobody():
        yield


async def test_a_folder_that_may_not_be_written(shared: Path) -> None:
    """No journal is begun there, and the error says why."""
    with (
        _as_nobody_in(shared),
        pytest.raises(JournalError, match=r"can't open the journal .*: .*[Pp]ermission denied"),
    ):
        await recorder_of(shared / "batch.db").open()
    assert names_in(shared) == set()


async def test_a_file_that_may_not_be_written(shared: Path) -> None:
    """A watch that couldn't record anything doesn't begin; looking at the file is allowed."""
    path = shared / "batch.db"
    before = await filled(path)
    path.chmod(0o444)
    path.with_name("batch.db.lock").unlink(missing_ok=True)
    with _as_nobody():
        with pytest.raises(JournalError, match=r"can't open the journal .*: .*readonly"):
            await recorder_of(path).open()
        assert read_standing(path).owed == 10
    assert read_file(path) == before


async def test_one_that_becomes_read_only(recorder: SqliteRecorder) -> None:
    """A write that fails is an error, also later on; what was written before is there."""
    await write(recorder, [Taken("a", 1.0)])
    connection_of(recorder).execute("PRAGMA query_only = 1")
    with pytest.raises(JournalError, match=r"can't write the journal .*: .*readonly"):
        await recorder.write(2, [Taken("b", 1.0)])
    assert [job.job_id for job in await unfinished(recorder)] == ["a"]


async def test_a_full_disk(recorder: SqliteRecorder) -> None:
    """When no page can be added, the write fails, and what was written before is still there."""
    await write(recorder, [Taken("a", 1.0)])
    connection = connection_of(recorder)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="full"):
        await recorder.write(2, [Taken(f"job-{number}", 1.0) for number in range(5000)])
    assert [job.job_id for job in await unfinished(recorder)] == ["a"]


async def test_a_closed_one_is_an_error(path: Path) -> None:
    """Reading and writing are errors then; closing it again is none."""
    async with opened(path) as recorder:
        await recorder.close()
    with pytest.raises(JournalError, match=r"can't read the journal .*: it is not open"):
        await unfinished(recorder)
    with pytest.raises(JournalError, match=r"can't write the journal .*: it is not open"):
        await recorder.write(1, [])


async def test_the_lock_ends_with_its_holder(path: Path, recorder: SqliteRecorder) -> None:
    """A second recorder is refused for as long as the first is open."""
    with pytest.raises(JournalInUseError, match=r"batch\.db is in use by another watch"):
        await recorder_of(path).open()
    await recorder.close()
    async with opened(path):
        pass
