"""The bytes of job objects, errors and balance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._api.times import DEFAULT_EPOCH
from mockserver._api.wire import error_body, job_body
from mockserver._world.durations import Fixed
from mockserver._world.scripts import Script
from mockserver._world.tasks import TASKS, Makes
from mockserver._world.world import World

# The sample of a pending job, as documented.
PENDING = (
    '{"job_id":"789320d3-4b20-46d3-a804-6165a079176a","model":"midjourney",'
    '"task_type":"diffusion","status":"pending","config":{"service_mode":"public",'
    '"webhook_config":{"endpoint":"","secret":""}},"input":null,'
    '"output":{"image_url":"","image_urls":null,"seed":""},'
    '"meta":{"created_at":"2025-12-17T11:08:36Z","started_at":"0001-01-01T00:00:00Z",'
    '"ended_at":"0001-01-01T00:00:00Z","usage":{"type":"point","frozen":80,"consume":0}},'
    '"detail":null,"logs":[],"error":{"code":0,"raw_message":"","message":"","detail":null}}'
)


def body(task: str = "diffusion", t: float = 1e6, **job: Any) -> dict[str, Any]:  # noqa: ANN401 - as add_job
    """The job object of a job that was added at 0, at the time `t`."""
    world = World(run_times=Fixed(31.4))
    view = world.job(world.add_job(task, at=0, **job), t)
    decoded: dict[str, Any] = json.loads(job_body(view, DEFAULT_EPOCH))
    return decoded


def test_a_pending_job_is_the_documented_sample() -> None:
    """A new job has the bytes of the sample."""
    world = World()
    world.add_job(at=0, job_id="789320d3-4b20-46d3-a804-6165a079176a")
    view = world.job("789320d3-4b20-46d3-a804-6165a079176a", 0)
    epoch = datetime(2025, 12, 17, 11, 8, 36, tzinfo=UTC)
    assert job_body(view, epoch).decode() == PENDING


def test_a_completed_job_has_its_times_and_its_price() -> None:
    """Times are cut to the second, and the frozen points are consumed."""
    completed = body()
    assert completed["status"] == "completed"
    assert completed["meta"] == {
        "created_at": "2026-01-01T00:00:00Z",
        "started_at": "2026-01-01T00:00:01Z",
        "ended_at": "2026-01-01T00:00:32Z",
        "usage": {"type": "point", "frozen": 80, "consume": 80},
    }


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_the_output_is_what_the_task_makes(task: Any) -> None:  # noqa: ANN401 - a task
    """The output has what the task makes, and is empty until the job is completed."""
    before, output = body(task.name, t=0)["output"], body(task.name)["output"]
    images = {Makes.GRID: 4, Makes.IMAGE: 1}.get(task.makes)
    videos = {Makes.VIDEOS: 4, Makes.VIDEO: 1}.get(task.makes)
    if images:
        assert len(set(output["image_urls"])) == images
        assert output["image_url"].startswith("https://images.legnext.example/")
        assert output["seed"].isdecimal()
        assert output["available_actions"]
    if videos:
        assert len(set(output["video_urls"])) == videos
        assert before["video_urls"] is None
    if task.makes is Makes.TEXT:
        assert len(output["prompts"]) == 4
        assert output["finalPrompt"] in output["prompts"]
    assert not any(before.values())


def test_a_failed_job_says_why() -> None:
    """A failed job has an error object and consumes nothing."""
    failed = body(script=Script(["failed"]))
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == 500
    assert failed["error"]["message"]
    assert failed["error"]["raw_message"]
    assert failed["meta"]["usage"]["consume"] == 0
    assert failed["output"]["image_urls"] is None


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_any_text_survives(callback: str, status: str, job_id: str) -> None:
    """Any characters in callbacks, statuses and ids survive JSON."""
    decoded = body(callback=callback, job_id=job_id, script=Script([status]))
    assert decoded["config"]["webhook_config"]["endpoint"] == callback
    assert (decoded["job_id"], decoded["status"]) == (job_id, status)


def test_errors_are_flat() -> None:
    """An error has a code and two messages; without a raw message, both are the same."""
    assert error_body(401, "no", "raw") == (
        b'{"code":401,"message":"no","raw_message":"raw","detail":null}'
    )
    assert json.loads(error_body(404, "no"))["raw_message"] == "no"
