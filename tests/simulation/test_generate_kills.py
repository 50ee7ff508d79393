"""A killed batch submits nothing twice and loses nothing: a few kills, and tests of the judge itself."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.generate_kills import Jobs, Report, campaign, check_png, judge
from tests.simulation.kills import Event

COUNT = 4


def part(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk of a PNG file."""
    body = kind + data
    return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


PNG = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", b"1234") + part(b"IDAT", b"5") + part(b"IEND")


def an_end(position: int, status: str = "failed", **changes: object) -> Event:
    """Return the end of a prompt of the smallest batch: a cat, and three dogs with the same text."""
    text = "a cat, number 1" if position == 1 else "a dog"
    job_id = "" if status in {"submit_unknown", "not_submitted"} else f"job {position}"
    event = {"position": position, "text": text, "job_id": job_id, "status": status}
    return event | {"files": [], "download_error": None} | changes


def server(*positions: int, status: str = "failed") -> Jobs:
    """Return a server's jobs, one for each of these prompts."""
    jobs: dict[str, list[dict[str, Any]]] = {}
    for position in positions:
        end = an_end(position, status)
        job = {"job_id": end["job_id"], "status": status, "params": {"text": end["text"]}}
        jobs.setdefault(end["text"], []).append(job)
    return jobs


ALL = [an_end(position) for position in range(1, COUNT + 1)]


@pytest.mark.parametrize(
    ("runs", "jobs", "again"),
    [
        ([ALL], server(1, 2, 3, 4), 0),
        ([ALL[:2], [], ALL[2:]], server(1, 2, 3, 4), 0),
        ([ALL[:2], ALL[1:]], server(1, 2, 3, 4), 1),
        ([[*ALL[:3], an_end(4, "submit_unknown")]], server(1, 2, 3), 0),
        ([[*ALL[:3], an_end(4, "submit_unknown")]], server(1, 2, 3, 4), 0),
        ([[*ALL[1:], an_end(1, "not_submitted")]], server(2, 3, 4), 0),
    ],
)
def test_what_is_as_promised_passes(runs: list[list[Event]], jobs: Jobs, again: int) -> None:
    """Ends may be spread over runs, and the event being handled at a kill may come again."""
    report = Report()
    judge(runs, jobs, COUNT, report)
    assert (report.again, report.prompts, report.ends.total()) == (again, COUNT, COUNT)


@pytest.mark.parametrize(
    ("runs", "jobs", "said"),
    [
        ([ALL[:3]], server(1, 2, 3), "each prompt has one end"),
        ([ALL], server(1, 1, 2, 3, 4), "was submitted 2 times"),
        ([[*ALL, ALL[0]]], server(1, 2, 3, 4), "there was an event after"),
        ([ALL[:2], [ALL[0], *ALL[2:]]], server(1, 2, 3, 4), "there was an event after"),
        ([[*ALL[1:], an_end(1, "not_submitted")]], server(1, 2, 3, 4), "a job was lost"),
        ([ALL], server(1, 2, 3, 4, status="completed"), "is not true"),
        ([[*ALL[:3], an_end(4, text="a cow")]], server(1, 2, 3, 4), "each end belongs to a prompt"),
        ([[*ALL[:3], an_end(4, job_id="")]], server(1, 2, 3, 4), "has no job"),
        ([[*ALL[:3], an_end(4, download_error="cut")]], server(1, 2, 3, 4), "cut"),
        ([[*ALL[:3], an_end(4, files=[["a", 1]])]], server(1, 2, 3, 4), "has 1 files"),
    ],
)
def test_what_is_not_is_found(runs: list[list[Event]], jobs: Jobs, said: str) -> None:
    """The judge notices a lost prompt, a second job, a repetition and a false event."""
    with pytest.raises(AssertionError, match=said):
        judge(runs, jobs, COUNT, Report())


def test_files_are_looked_into(tmp_path: Path) -> None:
    """The judge checks that a completed job has four complete images."""
    files = []
    for number in range(4):
        path = tmp_path / f"{number}.png"
        path.write_bytes(PNG)
        files.append([str(path), len(PNG)])
    ends = [an_end(n, "completed", files=files) for n in range(1, COUNT + 1)]
    report = Report()
    judge([ends], server(1, 2, 3, 4, status="completed"), COUNT, report)
    assert report.files == 16
    (tmp_path / "2.png").write_bytes(PNG[:-1])
    with pytest.raises(AssertionError, match=r"2\.png is cut"):
        judge([ends], server(1, 2, 3, 4, status="completed"), COUNT, Report())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>", "no PNG"),
        (PNG[:-12], "no end"),
        (PNG[:-2], "damaged|cut"),
        (PNG[:20] + b"?" + PNG[21:], "damaged"),
        (PNG[:8] + part(b"IEND"), "no head"),
    ],
)
def test_what_is_no_whole_picture_is_noticed(content: bytes, said: str) -> None:
    """The judge checks each chunk of a PNG file, and that the last one exists."""
    check_png(PNG, "a.png")
    with pytest.raises(AssertionError, match=said):
        check_png(content, "a.png")


@pytest.mark.campaign
def test_kills_lose_nothing() -> None:
    """A few kills; `python -m tests.simulation.generate_kills` does fifty."""
    report = campaign(3, seed=3, count=12)
    assert report.kills == 3
    assert report.files > 0
