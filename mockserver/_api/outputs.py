"""The `output` of a job object, the URLs of its results, and when jobs and results expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mockserver._api.times import unix_time
from mockserver._world.tasks import Makes

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from mockserver._api.quirks import Quirks
    from mockserver._world.jobs import JobView
    from mockserver._world.tasks import TaskType

RESULTS_HOST: Final = "images.legnext.example"
"""The host of results in memory. RFC 2606 reserves the domain, so there is no such host."""
RESULTS_URL: Final = f"https://{RESULTS_HOST}"

_GRID_ACTIONS: Final = '{"upscale":[0,1,2,3],"variation":[0,1,2,3],"remix":[0,1,2,3],"reroll":[]}'
_IMAGE_ACTIONS: Final = '{"pan":[0],"outpaint":[0],"inpaint":[0],"remix":[0]}'
_VIDEO_ACTIONS: Final = '{"extend-video":[0,1,2,3],"video-upscale":[0,1,2,3]}'
_TEXTS: Final = (
    '{"image_url":"","image_urls":null,"seed":"","prompts":["A prompt, in wording 1",'
    '"A prompt, in wording 2","A prompt, in wording 3","A prompt, in wording 4"],'
    '"promptEn":"A prompt","finalPrompt":"A prompt, in wording 1",'
    '"description":"What can be seen"}'
)
_IMAGES: Final = {Makes.GRID: 4, Makes.IMAGE: 1}
_VIDEOS: Final = {Makes.VIDEOS: 4, Makes.VIDEO: 1}
_NAMES: Final = {
    Makes.GRID: ("0.png", "1.png", "2.png", "3.png", "grid.png"),
    Makes.IMAGE: ("0.png",),
    Makes.VIDEOS: ("0.mp4", "1.mp4", "2.mp4", "3.mp4"),
    Makes.VIDEO: ("0.mp4",),
}

TEMPORARY_SECONDS: Final = 86400.0
"""The longest that a result under `/temp/` can be downloaded, in seconds."""


def images_of(task: TaskType) -> int:
    """How many images a completed job of this type has."""
    return _IMAGES.get(task.makes, 0)


def videos_of(task: TaskType) -> int:
    """How many videos a completed job of this type has."""
    return _VIDEOS.get(task.makes, 0)


def names_of(task: TaskType) -> Collection[str]:
    """The names of the result files of a completed job of this type."""
    return _NAMES.get(task.makes, ())


def output_of(job: JobView, epoch: datetime, quirks: Quirks, results_at: str = RESULTS_URL) -> str:
    """The `output` of a completed job, as JSON, in a world that began at `epoch`.

    The results are below the URL `results_at`, which has no slash at its end, and nothing that JSON
    would escape.
    """
    makes = job.task.makes
    if makes is Makes.TEXT:
        return _TEXTS
    folder = "temp/" if quirks.temporary_urls else ""
    # Once quoted, it needs no escaping in JSON.
    base = f"{results_at}/{folder}{quote(job.job_id, safe='')}"
    query = signature_of(job, epoch, quirks)
    query = f"?{query}" if query else ""
    seed = int(job.draws.uniform("output seed") * 2**32)
    match makes:
        case Makes.GRID:
            return (
                f'{{"image_url":"{base}/grid.png{query}","image_urls":["{base}/0.png{query}",'
                f'"{base}/1.png{query}","{base}/2.png{query}","{base}/3.png{query}"],'
                f'"seed":"{seed}","available_actions":{_GRID_ACTIONS}}}'
            )
        case Makes.IMAGE:
            return (
                f'{{"image_url":"{base}/0.png{query}","image_urls":["{base}/0.png{query}"],'
                f'"seed":"{seed}","available_actions":{_IMAGE_ACTIONS}}}'
            )
        case Makes.VIDEOS:
            return (
                f'{{"video_urls":["{base}/0.mp4{query}","{base}/1.mp4{query}",'
                f'"{base}/2.mp4{query}","{base}/3.mp4{query}"],'
                f'"seed":"{seed}","available_actions":{_VIDEO_ACTIONS}}}'
            )
        case _:  # One video.
            return f'{{"video_urls":["{base}/0.mp4{query}"],"seed":"{seed}"}}'


def signature_of(job: JobView, epoch: datetime, quirks: Quirks) -> str:
    """The query that signs a URL until it expires; empty if it never does."""
    expires_at = results_expire_at(job, quirks)
    if expires_at is None:
        return ""
    signature = int(job.draws.uniform("output signature") * 2**53)
    return f"Expires={unix_time(epoch, expires_at)}&Signature={signature:014x}"


def has_expired(job: JobView, t: float, quirks: Quirks) -> bool:
    """Whether a job can no longer be looked up at `t`, in seconds since the world's start."""
    return (
        quirks.job_expires_after is not None
        and job.ended_at is not None
        and t >= job.ended_at + quirks.job_expires_after
    )


def results_expire_at(job: JobView, quirks: Quirks) -> float | None:
    """When the URLs of a completed job's results expire, in seconds; None for never."""
    seconds = quirks.urls_expire_after
    if quirks.temporary_urls:
        seconds = TEMPORARY_SECONDS if seconds is None else min(seconds, TEMPORARY_SECONDS)
    return None if seconds is None or job.ended_at is None else job.ended_at + seconds
