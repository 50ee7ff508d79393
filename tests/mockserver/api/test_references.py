"""Submits that refer to other jobs, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, Script, World
from mockserver._api.outputs import images_of, videos_of
from mockserver._api.quirks import DEFAULT_QUIRKS
from mockserver._api.references import check_references
from mockserver._api.refusals import Refusal
from mockserver._world.tasks import TASKS
from tests.effort import examples
from tests.mockserver.api.asking import COMPLETED, submit
from tests.mockserver.api.test_validation import GOOD

UPSCALE = {"imageNo": 0, "type": 0}


def refused(mock: MockLegnext, task: str, **params: object) -> tuple[int, str]:
    """The status and the message of a refused submit."""
    before = len(mock.world)
    answer = submit(mock, task, **params)
    assert len(mock.world) == before
    return answer.status_code, answer.json()["raw_message"]


@pytest.mark.parametrize("task", [task for task, params in GOOD.items() if "jobId" in params])
def test_every_task_that_names_a_job_looks_for_it(task: str) -> None:
    """A job that doesn't exist is a 404, for each task that refers to one."""
    assert refused(MockLegnext(), task, **GOOD[task]) == (404, "jobId names no job")


def test_a_video_of_an_image_looks_for_its_job() -> None:
    """A video needs no job, but a job that it names must exist."""
    params = {"jobId": "j", "imageNo": 0}
    assert refused(MockLegnext(), "video-diffusion", **params) == (404, "jobId names no job")
    mock = MockLegnext()
    mock.add_job(COMPLETED, job_id="j")
    job = submit(mock, "video-diffusion", **params).json()
    assert mock.world.job(job["job_id"], mock.now).parent == "j"


@pytest.mark.parametrize("status", ["pending", "processing", "failed"])
def test_the_job_must_be_completed(status: str) -> None:
    """A job that isn't completed is a 422."""
    mock = MockLegnext()
    mock.add_job(Script([status]), job_id="j")
    words = f"jobId must name a completed job, this one is {status}"
    assert refused(mock, "upscale", jobId="j", **UPSCALE) == (422, words)


@pytest.mark.parametrize(
    ("of", "task", "params", "words"),
    [
        (
            "upscale",
            "upscale",
            {"imageNo": 1, "type": 0},
            "imageNo must be below 1, as the job has",
        ),
        ("describe", "upscale", UPSCALE, "jobId must name a job that has images"),
        ("video-diffusion", "reroll", {}, "jobId must name a job that has images"),
        ("video-upscale", "extend-video", {"videoNo": 1}, "videoNo must be below 1"),
        ("diffusion", "extend-video", {"videoNo": 0}, "jobId must name a job that has videos"),
        ("diffusion", "enhance", {"imageNo": 0}, "jobId must name a job whose prompt has --draft"),
    ],
)
def test_the_job_must_have_what_is_asked_of_it(
    of: str, task: str, params: dict[str, Any], words: str
) -> None:
    """A result that the job doesn't have is a 422."""
    mock = MockLegnext()
    mock.add_job(COMPLETED, of, job_id="j")
    status, told = refused(mock, task, jobId="j", **params)
    assert (status, told[: len(words)]) == (422, words)


@pytest.mark.parametrize(
    ("prompt", "status"),
    [
        ("a fox --draft", 200),
        ("--draft a fox", 200),
        ("a fox --drafty", 422),
        ("a fox x--draft", 422),
        ("a draft of a fox", 422),
    ],
)
def test_only_a_draft_is_enhanced(prompt: str, status: int) -> None:
    """The job's own prompt must have `--draft`, as a parameter."""
    mock = MockLegnext()
    mock.world.add_job(at=0, script=COMPLETED, job_id="j", params={"text": prompt})
    assert submit(mock, "enhance", jobId="j", imageNo=0).status_code == status


@examples(100)
@given(
    st.sampled_from(sorted(TASKS)),
    st.sampled_from([name for name, task in TASKS.items() if "jobId" in task.params.required]),
    st.integers(0, 3),
)
def test_whatever_exists_can_be_used(of: str, task: str, number: int) -> None:
    """Each image and video of a completed job can be used, and no other."""
    world = World()
    draft = {name: "--draft" for name, field in TASKS[of].params.fields.items() if field.is_prompt}
    world.add_job(of, at=0, script=COMPLETED, job_id="j", params=draft)
    params = {**GOOD[task], "jobId": "j"}
    name = "videoNo" if "videoNo" in params else "imageNo"
    if name in params:
        params[name] = number
    there_are = (videos_of if name == "videoNo" else images_of)(TASKS[of])
    usable = number < there_are if name in params else there_are > 0
    usable = usable and bool(draft or not TASKS[task].needs_draft)
    try:
        check_references(TASKS[task], params, world, 0, DEFAULT_QUIRKS)
    except Refusal as refusal:
        status = refusal.status_code
    else:
        status = 200
    assert status == (200 if usable else 422)
