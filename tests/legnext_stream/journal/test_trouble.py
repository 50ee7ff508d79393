"""A journal that can't be had, or isn't one: a clear error that names the file, and no harm to it."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
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
    LegnextClient,
    LegnextError,
)
from legnext_stream._journal import Acknowledged, Learned, Observed, Store, Taken
from legnext_stream._journal.schema import VERSION
from legnext_stream._journal.standing import read_standing
from mockserver import MockLegnext
from tests.effort import examples
from tests.legnext_stream.journal.support import kept, opened
from tests.legnext_stream.support import KEY, URL

_NOBODY = 65534
"""A user who owns nothing."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be."""
    return tmp_path / "batch.db"


def filled(path: Path) -> bytes:
    """A journal with something in each table; return the file."""
    with closing(opened(path)) as store:
        store.write([Taken(f"job-{number}", 1.0) for number in range(40)])
        store.write([Acknowledged(kept(f"job-{n}", JobStatus.COMPLETED), 2.0) for n in range(10)])
        store.write([Acknowledged(kept(f"job-{n}", JobStatus.PENDING), 2.0) for n in range(10, 20)])
        store.write([Observed(kept(f"job-{n}", JobStatus.FAILED)) for n in range(15, 25)])
        store.write([Learned("pace", {"ceiling": 1.5}), Learned("durations", {})])
    return path.read_bytes()


def content(path: Path) -> object:
    """What is in a file: of a journal the tables, of what is none the bytes."""
    if not path.is_file():
        return None
    try:
        return attrs.asdict(read_standing(path))
    except JournalError:
        return path.read_bytes()


def altered(path: Path, statement: str) -> None:
    """A journal in which somebody has changed something by hand."""
    filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


# ---------------------------------------------------------------- all that is not a journal of ours


def _text(path: Path) -> None:
    path.write_text("ids, one a line\n" * 200)


def _folder(path: Path) -> None:
    path.mkdir()


def _somebody_elses(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE cats (name TEXT)")


def _newer(path: Path) -> None:
    altered(path, f"PRAGMA user_version = {VERSION + 1}")


def _damaged(path: Path) -> None:
    damaged = bytearray(filled(path))
    damaged[4096:] = random.Random(1).randbytes(len(damaged) - 4096)
    path.write_bytes(damaged)


def _cut(path: Path) -> None:
    path.write_bytes(filled(path)[: 4096 * 3])


def _of_another_host(path: Path) -> None:
    altered(path, "UPDATE account SET base_url = 'http://elsewhere.test'")


def _of_another_account(path: Path) -> None:
    altered(path, "UPDATE account SET fingerprint = 'of another key'")


def _of_words_nobody_knows(path: Path) -> None:
    altered(path, "UPDATE jobs SET status = 'melting' WHERE job_id = 'job-12'")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_text, "can't open the journal {}: file is not a database"),
        (_folder, "can't open the journal {}: unable to open database file"),
        (_somebody_elses, "can't open the journal {}: it is a database, but not a journal of this"),
        (_newer, "can't open the journal {}: it is of version 3, and this library knows"),
        (_damaged, "can't open the journal {}: "),
        (_cut, "can't open the journal {}: "),
        (_of_another_host, "the jobs of {} belong to http://elsewhere.test, not to"),
        (_of_another_account, "the jobs of {} were submitted with another API key"),
    ],
)
async def test_a_watch_does_not_begin_with_it(
    path: Path, make: Callable[[Path], None], said: str
) -> None:
    """The loop raises one clear error, nothing is asked about, and the file stays as it is."""
    make(path)
    before = content(path)
    mock = MockLegnext()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        for _ in range(2):  # the first left no lock behind
            events = client.watch(mock.add_jobs(2), journal=path)
            with pytest.raises((JournalError, ConfigurationError)) as raised:
                await anext(events)
            assert said.format(path) in str(raised.value)
    assert len(mock.requests) == 0
    assert content(path) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET status = 'melting' WHERE job_id = 'job-12'",
        "UPDATE jobs SET place = 'melting' WHERE job_id = 'job-12'",
        "UPDATE jobs SET words = 'none' WHERE job_id = 'job-12'",
        "UPDATE jobs SET words = '{}' WHERE job_id = 'job-12'",
        "UPDATE owed SET status = 'melting' WHERE job_id = 'job-22'",
        "UPDATE owed SET previous = 'melting' WHERE job_id = 'job-22'",
        "UPDATE owed SET body = '[]' WHERE job_id = 'job-22'",
        "UPDATE owed SET body = '{' WHERE job_id = 'job-22'",
    ],
)
def test_what_no_watch_has_written_is_damage(path: Path, statement: str) -> None:
    """Sound pages with words in them that mean nothing: they are not guessed at."""
    altered(path, statement)
    with (
        closing(opened(path)) as store,
        pytest.raises(JournalError, match=r"can't read the journal .*: it is damaged: "),
    ):
        store.unfinished()


@pytest.mark.parametrize("state", ["[]", "{", ""])
def test_what_was_learned_may_be_damaged_too(path: Path, state: str) -> None:
    """It is an error, rather than a watch that has to find out why it forgot."""
    altered(path, f"UPDATE learned SET state = '{state}'")  # noqa: S608 - the test's own
    with (
        closing(opened(path)) as store,
        pytest.raises(JournalError, match=r"can't read the journal .*: it is damaged: "),
    ):
        store.learned("pace")


def test_who_looks_from_outside_is_told_as_well(path: Path) -> None:
    """Where a batch stands can't be said of words that nobody knows."""
    _of_words_nobody_knows(path)
    with pytest.raises(JournalError, match=r"can't read the journal .*'melting'"):
        read_standing(path)


@examples(60)
@given(data=st.data())
def test_no_change_of_bytes_brings_out_an_error_of_another_kind(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever happened to a file: it is read, or there is an error of ours."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"
    damaged = bytearray(filled(path))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        some = data.draw(st.binary(min_size=1, max_size=16))
        damaged[at : at + len(some)] = some
    path.write_bytes(damaged)
    for read in (_all_of, read_standing):
        try:
            read(path)
        except LegnextError as error:
            assert str(path) in str(error)  # noqa: PT017 - which of both comes is left open


@pytest.mark.parametrize("read", [opened, read_standing])
def test_damage_that_has_no_words(path: Path, read: Callable[[Path], object]) -> None:
    """Where SQLite's own message is no text, for it quotes the damaged file, there is ours."""
    path.write_bytes(filled(path).replace(b"STRICT", b"STRIC\x80"))
    with pytest.raises(JournalError, match=r"the journal .*batch.db: "):
        read(path)


def _all_of(path: Path) -> None:
    with closing(opened(path)) as store:
        store.unfinished()
        list(store.ended())
        store.learned("pace")


# ---------------------------------------------------------------- what may not be written


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Be somebody whom the permissions of files concern: root, in whose name tests may run, isn't."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that anybody may look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        yield path
        path.chmod(0o777)


def test_a_folder_that_may_not_be_written(shared: Path) -> None:
    """No journal is begun there, and the error says why."""
    shared.chmod(0o555)
    with (
        _as_nobody(),
        pytest.raises(JournalError, match=r"can't open the journal .*: .*[Pp]ermission denied"),
    ):
        opened(shared / "batch.db")
    assert list(shared.iterdir()) == []


def test_a_file_that_may_not_be_written(shared: Path) -> None:
    """A watch that couldn't keep what it is told doesn't begin; looking at the file is allowed."""
    path = shared / "batch.db"
    before = filled(path)
    path.chmod(0o444)
    path.with_name("batch.db.lock").unlink(missing_ok=True)
    with _as_nobody():
        with pytest.raises(JournalError, match=r"can't open the journal .*: .*readonly"):
            opened(path)
        assert read_standing(path).owed == 10
    assert path.read_bytes() == before


def test_one_that_becomes_read_only(path: Path) -> None:
    """A write that fails is an error, also later on; what was written before is there."""
    with closing(opened(path)) as store:
        store.write([Taken("a", 1.0)])
        store._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(JournalError, match=r"can't write the journal .*: .*readonly"):
            store.write([Taken("b", 1.0)])
        assert [job.job_id for job in store.unfinished()] == ["a"]


async def test_one_that_becomes_read_only_ends_the_watch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop is told before it acts on an event whose acknowledgement could not be kept."""
    write = Store.write

    def read_only(store: Store, entries: object) -> None:
        if trio.current_time() > 0:
            store._connection.execute("PRAGMA query_only = 1")
        write(store, entries)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(Store, "write", read_only)
    mock = MockLegnext()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        with pytest.raises(JournalError, match=r"can't write the journal .*: .*readonly"):
            async for _ in client.watch(mock.add_jobs(2), journal=path):
                pass
    monkeypatch.undo()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        told = [event async for event in client.watch(mock.truth, journal=path)]
    assert sum(event.status.is_terminal for event in told) == 2
