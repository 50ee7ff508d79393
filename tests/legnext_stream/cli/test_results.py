"""The list of what was made."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import attrs
import pytest
from rich.cells import cell_len
from rich.console import Console

from legnext_stream import JobEvent, JobStatus, Output, Prompt
from legnext_stream._cli.results import Results, places_of
from legnext_stream._core.model.events import SavedFile
from tests.legnext_stream.cli.support import an_event

_URL = "https://cdn.example/789320d3-4b20-46d3-a804-6165a079176a/"


def _made(number: int, text: str = "a fox", *, files: int = 0) -> JobEvent:
    saved = [
        SavedFile(
            url=_URL, path=Path(f"out/{n}.png"), size=1, media_type="image/png", was_there=False
        )
        for n in range(files)
    ]
    urls = tuple(f"{_URL}{n}.png" for n in range(4))
    event = an_event(job_id=f"job-{number}", output=Output(image_urls=urls))
    return attrs.evolve(event, prompt=Prompt(text), position=number, files=tuple(saved))


def _printed(results: Results, width: int, *, is_terminal: bool = True) -> str:
    written = io.StringIO()
    results.show(Console(file=written, width=width, force_terminal=is_terminal, color_system=None))
    return written.getvalue()


def test_files_are_listed_by_position_with_their_prompts() -> None:
    """Each job has a line: its id, unless the file's name has it, its first file, and its prompt."""
    results = Results()
    results.note(_made(2, "an orchard", files=1))
    results.note(_made(1, files=4))
    results.note(an_event(JobStatus.FAILED))
    named = attrs.evolve(_made(3).job, job_id="0")
    results.note(attrs.evolve(_made(3, "a glacier", files=2), job_id="0", job=named))
    assert _printed(results, 80).splitlines() == [
        "Made:",
        "  job-1  out/0.png + 3 more  a fox",
        "  job-2  out/0.png  an orchard",
        "  out/0.png + 1 more  a glacier",
    ]
    assert not results.are_unsaved


def test_urls_stand_in_for_files() -> None:
    """Without files the URLs are listed, as a whole where they fit or nobody looks."""
    results = Results()
    results.note(_made(1))
    assert results.are_unsaved
    for width, is_terminal in ((100, True), (20, False)):
        lines = _printed(results, width, is_terminal=is_terminal).splitlines()
        assert lines[2:] == [f"    {_URL}{n}.png" for n in range(4)]


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_gets_links(width: int) -> None:
    """No line is longer than the terminal, and a URL that is cut is still a link to the whole."""
    results = Results()
    results.note(_made(1, "a very long prompt " * 10))
    links = [text for text in results.lines(width) if text.plain.startswith("    https://")]
    assert all(cell_len(text.plain) <= width for text in results.lines(width))
    assert [str(getattr(text.spans[0].style, "link", "")) for text in links] == [
        f"{_URL}{n}.png" for n in range(4)
    ]


def test_a_job_may_make_texts_or_nothing() -> None:
    """The texts of `describe` are results; a grid is one if there is nothing else."""
    texts = Output(texts={"prompts": ("a fox", "a bear")})
    assert places_of(an_event(output=texts)) == ("a fox", "a bear")
    assert places_of(an_event(output=Output(image_url="https://a/grid.png"))) == (
        "https://a/grid.png",
    )
    assert places_of(an_event()) == ()
    assert _printed(Results(), 80) == ""


def test_a_long_list_is_cut() -> None:
    """Beyond some hundred lines only the number of jobs is shown."""
    results = Results()
    for number in range(1, 101):
        results.note(_made(number))
    lines = _printed(results, 100).splitlines()
    assert len(lines) == 202
    assert lines[-1] == "  and 60 more jobs"


class _Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, _: str) -> int:
        raise OSError(errno.EIO, "gone")


def test_a_terminal_may_lack_characters_or_be_gone() -> None:
    """Neither is an error."""
    results = Results()
    results.note(_made(1, "漢字 fox"))
    with io.TextIOWrapper(io.BytesIO(), encoding="latin-1") as written:
        results.show(Console(file=written, width=100, force_terminal=True))
        written.seek(0)
        assert "?? fox" in written.read()
    results.show(Console(file=_Gone()))


def test_texts_cannot_move_the_cursor() -> None:
    """Control characters of a prompt or a URL aren't sent to the terminal."""
    results = Results()
    event = an_event(output=Output(image_urls=("https://a/\x1b[2J.png",)))
    results.note(attrs.evolve(event, prompt=Prompt("\x1b]0;title\x07")))
    assert "\x1b" not in "".join(text.plain for text in results.lines(100))
