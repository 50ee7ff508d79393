"""An event as a line of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from legnext_stream import JobError, JobStatus, Output, TaskType
from legnext_stream._cli.events_json import event_line
from legnext_stream._core.model.events import SavedFile
from legnext_stream._core.model.prompts import Prompt
from legnext_stream.errors import DownloadError
from tests.legnext_stream.cli.support import JOB_ID, an_event

_EPOCH = 1_700_000_000.0


def test_an_event_has_these_fields() -> None:
    """Programs rely on these fields, names and types."""
    event = an_event(
        task_type=TaskType.VIDEO_DIFFUSION,
        output=Output(
            image_url="https://a/grid.png",
            image_urls=("https://a/1.png",),
            video_urls=("https://a/1.mp4",),
            texts={"prompts": ("a fox",)},
        ),
    )
    line = event_line(event, _EPOCH)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "sequence": 3,
        "observed_at": "2023-11-14T22:13:32.500Z",
        "job_id": JOB_ID,
        "task_type": "video-diffusion",
        "status": "completed",
        "previous": "processing",
        "raw_status": "completed",
        "changed_between": ["2023-11-14T22:13:31.000Z", "2023-11-14T22:13:32.500Z"],
        "error": None,
        "image_url": "https://a/grid.png",
        "image_urls": ["https://a/1.png"],
        "video_urls": ["https://a/1.mp4"],
        "texts": {"prompts": ["a fox"]},
    }


def test_what_is_not_known_is_null() -> None:
    """Unknown values are null, not empty."""
    event = attrs.evolve(
        an_event(JobStatus.NOT_FOUND, raw_status=""), previous=None, changed_between=(None, 12.5)
    )
    fields = json.loads(event_line(event, _EPOCH))
    assert fields["previous"] is None
    assert fields["raw_status"] is None
    assert fields["task_type"] is None
    assert fields["changed_between"][0] is None


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (JobError(code=400, message="Banned", raw_message="raw"), "Banned"),
        (JobError(code=400, raw_message="raw\nover two lines – ü"), "raw\nover two lines – ü"),
    ],
)
def test_an_error_has_a_code_and_a_message(error: JobError, message: str) -> None:
    """The message is the API's, or else the raw one; the line is ASCII."""
    line = event_line(an_event(JobStatus.FAILED, error=error), _EPOCH)
    raw = error.raw_message
    assert json.loads(line)["error"] == {"code": 400, "message": message, "raw_message": raw}
    assert line.isascii()
    assert line.count(b"\n") == 1


def test_an_event_of_generate_has_its_prompt() -> None:
    """It also has the prompt, position, tag, files, and why they weren't saved."""
    file = SavedFile(
        url="https://a/1.png",
        path=Path("out/1.png"),
        size=9,
        media_type="image/png",
        was_there=True,
    )
    error = DownloadError("404 for it", job_id="job-1", url="https://a/2.png")
    event = attrs.evolve(
        an_event(),
        prompt=Prompt("a fox", tag={"page": 3}),
        position=2,
        files=(file,),
        download_error=error,
    )
    fields = json.loads(event_line(event, _EPOCH))
    assert fields["prompt"] == "a fox"
    assert fields["tag"] == {"page": 3}
    assert fields["position"] == 2
    assert fields["files"] == ["out/1.png"]
    assert "404 for it" in fields["not_saved"]
