"""Killed between any two disk operations or during a write: never a broken file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from legnext_stream import LegnextClient, SavedFile
from legnext_stream._results.part import Part
from mockserver import Close, MockLegnext, Script
from mockserver._files import content_of
from tests.legnext_stream.results.support import names

MOST_STEPS = 60


class Killed(BaseException):
    """The process ends here, without any error handling."""


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """End the process before disk operation number `step`."""
    steps = 0

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any function's
            nonlocal steps
            if steps >= step:
                raise Killed(name)
            steps += 1
            return function(*arguments, **named)

        return run

    append = Part.append

    def append_half(part: Part, data: bytes) -> None:
        # A write that is cut short counts as two operations.
        half = len(data) // 2
        counted("write half", append)(part, data[:half])
        counted("write the rest", append)(part, data[half:])

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            (Path, "open"),
            (Path, "write_bytes"),
            (Path, "replace"),
            (Path, "unlink"),
            (os, "fsync"),
            (Part, "forget"),
        ):
            patch.setattr(owner, name, counted(name, getattr(owner, name)))
        patch.setattr(Part, "append", append_half)
        yield


async def test_killed_at_every_step(tmp_path: Path) -> None:
    """A named file is complete, and the next call completes the download."""
    job_id = "j"
    whole = content_of(job_id, "0.png").body
    seen: set[str] = set()
    for step in range(MOST_STEPS):
        folder = tmp_path / str(step)
        # The connection breaks as well, so that there is something to resume.
        mock = MockLegnext()
        mock.faults.add(Close(after_bytes=5000), route="file", nth=1)
        mock.add_job(Script(["completed"]), "upscale", job_id=job_id)

        async def save(mock: MockLegnext = mock, folder: Path = folder) -> tuple[SavedFile, ...]:
            async with LegnextClient("key", transport=mock.transport()) as client:
                return await client.download(job_id, folder)

        with killed_at(step):
            try:
                await save()
            except Killed as killed:
                seen.add(str(killed))
            else:
                break
        for name in names(folder):
            if not name.startswith("j-1.part"):
                assert name == "j-1.png"
                assert (folder / name).read_bytes() == whole
        (saved,) = await save()
        assert saved.path.read_bytes() == whole
        assert names(folder) == ["j-1.png"]
    else:
        pytest.fail("there are more steps than were tried")
    assert seen >= {"open", "write_bytes", "replace", "write half", "fsync", "unlink"}
