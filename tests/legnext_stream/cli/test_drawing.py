"""The picture of the live display."""

from __future__ import annotations

import io
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from legnext_stream import JobStatus
from legnext_stream._cli.drawing import draw, share_out
from legnext_stream._cli.progress import View
from tests.legnext_stream.cli.support import a_failure, a_view

_JOBS = {
    JobStatus.COMPLETED: 100,
    JobStatus.FAILED: 8,
    JobStatus.PROCESSING: 12,
    JobStatus.PENDING: 40,
    JobStatus.NOT_FOUND: 2,
}


def _drawn(view: View, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, height=40, color_system=None)
    with console.capture() as capture:
        console.print(draw(view, width))
    return capture.get()


def test_the_picture_of_a_batch() -> None:
    """It shows jobs by status, the share that ended, the request rate, 429s, failures and time."""
    failures = [a_failure(n) for n in range(7)]
    drawn = _drawn(
        a_view(
            _JOBS,
            failures=failures,
            last_error="503: busy",
            remaining=754.0,
            remaining_between=(700.0, 812.0),
        )
    )
    for words in (
        "12:34",
        "11:40 to 13:32",
        "https://api.example",
        "1:01",
        "110 of 200 ended · 55%",
        "requests a second",
        "9.8",
        "up to 12.0 now: ",
        "last error: 503: busy",
        "job-6  failed  Banned prompt (code 400)",
    ):
        assert words in drawn
    lines = [line.split() for line in drawn.splitlines()]
    for row in (
        ["●", "completed", "100"],
        ["●", "not", "found", "2"],
        ["○", "not", "seen", "yet", "38"],
    ):
        assert any(line[: len(row)] == row for line in lines)
    assert "job-1" not in drawn


def test_rows_without_data_are_left_out() -> None:
    """Rows without data are left out, but the common statuses always have one."""
    drawn = _drawn(a_view({JobStatus.COMPLETED: 200}, rate_limited=0, troubles=0))
    for words in ("last failures", "last error", "timed out", "not seen yet"):
        assert words not in drawn
    for words in ("failed", "processing", "staged", "pending"):
        assert words in drawn


def test_a_fast_server_is_named() -> None:
    """A server whose time runs faster than ours is shown as one."""
    assert "5 × as fast as this machine's" in " ".join(_drawn(a_view({}, server_speed=5.0)).split())


def test_a_watch_of_nothing_can_be_drawn() -> None:
    """There is a picture before the first id has arrived."""
    assert "0 of 0+ ended · –" in _drawn(a_view(expected=None))


def test_a_batch_of_prompts_has_more_to_show() -> None:
    """Batches of prompts also show submits and files."""
    view = a_view(_JOBS, prompts=300, submits=170, submitted=162, remaining=60.0)
    drawn = _drawn(attrs.evolve(view, files=400))
    assert "of 300 prompts" in drawn
    assert "1:00 to 1:00" in drawn
    view = a_view(_JOBS, prompts=300, submits=170, submitted=162, submits_limited=8)
    drawn = _drawn(attrs.evolve(view, unsaved=2))
    assert "8 × 429" in drawn
    assert re.search("jobs not saved +2", drawn)


def test_texts_from_outside_cannot_move_the_cursor() -> None:
    """Control characters in an API's message aren't sent to the terminal."""
    evil = "\x1b[2J\x1b]0;title\x07\nnext"
    drawn = _drawn(a_view(_JOBS, failures=[a_failure(1, evil)], last_error=evil))
    assert "\x1b" not in drawn
    assert "\x07" not in drawn


@pytest.mark.parametrize("width", [40, 60, 83, 84])
def test_a_narrow_terminal_gets_lines_that_fit(width: int) -> None:
    """No line is longer than the terminal's width."""
    long = a_failure(1, "why " * 100)
    drawn = _drawn(
        a_view(_JOBS, failures=[long], last_error="x" * 500, remaining=99.0), width=width
    )
    assert all(len(line) <= width for line in drawn.splitlines())
    assert "● completed" in drawn
    assert "requests a second" in drawn


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=10), st.integers(0, 300))
def test_a_bar_is_divided_completely(counts: list[int], width: int) -> None:
    """All cells are given out; a larger count never gets fewer; each that isn't 0 gets one."""
    cells = share_out(counts, width)
    present = sum(count > 0 for count in counts)
    assert sum(cells) == (max(width, present) if present else 0)
    by_count = sorted(zip(counts, cells, strict=True))
    smaller = 0
    for count, have in by_count:
        assert have >= smaller - 1
        assert count or not have
        smaller = max(smaller, have)
    assert all(have for count, have in zip(counts, cells, strict=True) if count)


_EVERYTHING = attrs.evolve(
    a_view(
        _JOBS,
        failures=[attrs.evolve(a_failure(n), prompt="a red fox") for n in range(7)],
        last_error="503: busy",
        remaining=754.0,
        prompts=300,
        submits=170,
        submitted=162,
        server_speed=5.0,
    ),
    files=398,
    unsaved=1,
)


@pytest.mark.parametrize("width", [40, 59, 60, 83, 84, 200])
@pytest.mark.parametrize("height", [7, 8, 10, 12, 15, 20, 24, 25, 26, 28, 30, 50])
def test_a_small_terminal_gets_all_numbers(width: int, height: int) -> None:
    """From 40 columns and 8 rows up, of which the cursor takes one."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(draw(_EVERYTHING, width, height))
    lines = capture.get().splitlines()
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    numbers = set(re.findall(r"[\d:.,]+", "\n".join(lines)))
    assert numbers >= {
        "1:01",
        "110",
        "300",
        "100",
        "8",
        "2",
        "12",
        "40",
        "12:34",
        "9.8",
        "3",
        "162",
    }
    # What is cut are comments.
    assert not re.search(r"\d[\d:.,]*…", "\n".join(lines))


def test_comments_go_first() -> None:
    """With fewer rows first the failures are left out, then the last error, and then the lists."""
    shown = []
    for height in range(40, 6, -1):
        console = Console(file=io.StringIO(), width=100, height=height, color_system=None)
        with console.capture() as capture:
            console.print(draw(_EVERYTHING, 100, height))
        drawn = capture.get()
        shown.append((drawn.count("a red fox"), "503: busy" in drawn, "●" in drawn))
    assert list(dict.fromkeys(shown)) == [
        *((count, True, True) for count in range(5, -1, -1)),
        (0, False, True),
        (0, False, False),
    ]


def test_the_bar_shows_progress_without_colours() -> None:
    """Jobs that ended well, ended badly, run, wait, and are not seen yet look different."""
    bar = next(line for line in _drawn(a_view(_JOBS)).splitlines() if "━" in line).split()[0]
    assert re.fullmatch("━+×+╍+─+┈+", bar)
    assert bar.count("━") == pytest.approx(len(bar) / 2, abs=2)


@pytest.mark.parametrize("width", [40, 100])
def test_prompts_stand_beside_ids(width: int) -> None:
    """Where a failure has a prompt, it is shown, as far as there is room."""
    failure = attrs.evolve(a_failure(1), prompt="a fox\x1b[2J")
    drawn = _drawn(a_view(_JOBS, failures=[failure, a_failure(2)]), width)
    assert re.search(r"job-1 +a f", drawn)
    assert "\x1b" not in drawn


@given(
    jobs=st.dictionaries(st.sampled_from(JobStatus), st.integers(0, 10**7)),
    width=st.integers(40, 200),
    height=st.integers(7, 60),
    is_counted=st.booleans(),
)
def test_any_numbers_fit(
    jobs: dict[JobStatus, int], width: int, height: int, *, is_counted: bool
) -> None:
    """However large they are, no line is longer than the terminal, and there are not more rows."""
    view = attrs.evolve(_EVERYTHING, stats=attrs.evolve(_EVERYTHING.stats, jobs=jobs, polls=10**7))
    view = attrs.evolve(
        view, title="漢字" * 100, expected=sum(jobs.values()) if is_counted else None
    )
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(draw(view, width, height))
    lines = capture.get().splitlines()
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
