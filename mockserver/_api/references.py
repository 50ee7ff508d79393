"""The checks of a submit that refers to another job: it must be completed, and have the result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mockserver._api.outputs import has_expired, images_of, videos_of
from mockserver._api.refusals import Refusal
from mockserver._api.validation import prompts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver._api.quirks import Quirks
    from mockserver._world.jobs import JobView
    from mockserver._world.tasks import TaskType
    from mockserver._world.world import World

_DRAFT: Final = re.compile(r"(?<!\S)--draft(?!\S)")


def check_references(
    task: TaskType, params: Mapping[str, object], world: World, t: float, quirks: Quirks
) -> None:
    """Check the job that a submit refers to, if any.

    Raises:
        Refusal: With 404, the job doesn't exist or has expired; with 422, it isn't completed, or
            doesn't have the result that the submit needs.
    """
    job_id = params.get("jobId")
    if not isinstance(job_id, str):
        return
    if job_id not in world or has_expired(job := world.job(job_id, t), t, quirks):
        raise Refusal(404, "jobId names no job")
    if job.status != "completed":
        raise Refusal(422, f"jobId must name a completed job, this one is {job.status}")
    if "videoNo" in params:
        _check_number("videoNo", params["videoNo"], videos_of(job.task), "video")
    else:
        # A reroll has no number, as it makes all images again.
        _check_number("imageNo", params.get("imageNo", 0), images_of(job.task), "image")
    if task.needs_draft and not _is_draft(job):
        raise Refusal(422, "jobId must name a job whose prompt has --draft")


def _check_number(name: str, number: object, there_are: int, what: str) -> None:
    if not there_are:
        raise Refusal(422, f"jobId must name a job that has {what}s")
    if isinstance(number, (int, float)) and number >= there_are:
        raise Refusal(422, f"{name} must be below {there_are}, as the job has no more {what}s")


def _is_draft(job: JobView) -> bool:
    return any(_DRAFT.search(prompt) for prompt in prompts_of(job.task, job.params or {}))
