"""The vendor's own SDK, unmodified, over real sockets.

What its models accept of our answers is the nearest thing to the real service that a test can have.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio
from legnext import AsyncClient, Client
from legnext.types.canvas import Canvas, CanvasImg, Mask, Polygon
from legnext.types.errors import (
    AuthenticationError,
    LegnextAPIError,
    NotFoundError,
    RateLimitError,
    ValidationError,
)

from mockserver import Failure, Fixed, MockLegnext, Run, TokenBucket
from mockserver.world import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://example.org/a.png"
PNG = b"\x89PNG\r\n\x1a\n0000"
CANVAS = Canvas(width=1024, height=1024)
PLACE = CanvasImg(width=512, height=512, x=0, y=0)
MASK = Mask(areas=[Polygon(width=512, height=512, points=[0, 0, 9, 0, 9, 9])], url=None)

SUBMITS: dict[str, tuple[str, dict[str, Any]]] = {
    "diffusion": ("diffusion", {"text": "a", "callback": "http://127.0.0.1/hook"}),
    "variation": ("variation", {"job_id": "j", "image_no": 0, "type": 1}),
    "upscale": ("upscale", {"job_id": "j", "image_no": 0, "type": 1}),
    "reroll": ("reroll", {"job_id": "j"}),
    "blend": ("blend", {"img_urls": [URL, URL], "aspect_ratio": "1:1"}),
    "describe": ("describe", {"img_url": URL}),
    "shorten": ("shorten", {"prompt": "a"}),
    "pan": ("pan", {"job_id": "j", "image_no": 0, "direction": 2, "scale": 1.5}),
    "outpaint": ("outpaint", {"job_id": "j", "image_no": 0, "scale": 1.5}),
    "inpaint": ("inpaint", {"job_id": "j", "image_no": 0, "mask": PNG, "remix_prompt": "a"}),
    "remix": ("remix", {"job_id": "j", "image_no": 0, "remix_prompt": "a", "mode": 0}),
    "edit": (
        "edit",
        {
            "job_id": "j",
            "image_no": 0,
            "canvas": CANVAS,
            "img_pos": PLACE,
            "remix_prompt": "a",
            "mask": MASK,
        },
    ),
    "upload_paint": (
        "upload-paint",
        {"img_url": URL, "canvas": CANVAS, "img_pos": PLACE, "remix_prompt": "a", "mask": MASK},
    ),
    "retexture": ("retexture", {"img_url": URL, "remix_prompt": "a"}),
    "remove_background": ("remove-background", {"img_url": URL}),
    "enhance": ("enhance", {"job_id": "j", "image_no": 0}),
    "video_diffusion": ("video-diffusion", {"prompt": "a", "video_type": 1}),
    "extend_video": ("extend-video", {"job_id": "j", "video_no": 0}),
    "video_upscale": ("video-upscale", {"job_id": "j", "video_no": 0}),
}


async def with_sdk(mock: MockLegnext, use: Callable[[Client], Any], key: str = "key") -> Any:  # noqa: ANN401 - whatever `use` gives
    """Call `use` with the SDK's client, in a thread, beside the server."""

    def in_thread() -> Any:  # noqa: ANN401 - as above
        with Client(api_key=key, base_url=f"{url}/api", max_retries=0) as client:
            return use(client)

    async with mock.serve() as url:
        result = await trio.to_thread.run_sync(in_thread)
    assert mock.crashes == []
    return result


def fast(**settings: Any) -> MockLegnext:  # noqa: ANN401 - as MockLegnext takes
    """A mock in which all that takes time is over in a moment."""
    return MockLegnext(slots=None, time_scale=1e5, run_times=Fixed(60), **settings)


def test_all_tasks_are_tried() -> None:
    """The table of the SDK's methods has all 19 tasks."""
    assert {task for task, _ in SUBMITS.values()} == set(TASKS)


async def test_every_submit_and_every_result() -> None:
    """Each of its 19 submit methods makes a job, and its models accept the job and the result."""
    mock = fast()

    def use(client: Client) -> list[tuple[Any, Any]]:
        submitted = [
            getattr(client.midjourney, method)(**given) for method, (_, given) in SUBMITS.items()
        ]
        return [
            (job, client.tasks.wait_for_completion(job.job_id, timeout=30, poll_interval=0.001))
            for job in submitted
        ]

    results = await with_sdk(mock, use)
    tasks = [task for task, _ in SUBMITS.values()]
    assert [job.task_type.value for job, _ in results] == tasks
    assert {job.status.value for job, _ in results} == {"pending"}
    assert {job.status.value for _, job in results} == {"completed"}
    assert [job.job_id for job, _ in results] == list(mock.truth)
    results_by_task = dict(zip(tasks, (done for _, done in results), strict=True))
    assert len(results_by_task["diffusion"].output.image_urls) == 4
    assert len(results_by_task["upscale"].output.image_urls) == 1
    assert len(results_by_task["video-diffusion"].output.video_urls) == 4
    assert results_by_task["describe"].output.prompts
    assert results_by_task["shorten"].output.final_prompt
    assert str(results_by_task["diffusion"].config.webhook_config.endpoint).endswith("/hook")


async def test_looking_up() -> None:
    """`tasks.get` and `account.balance` give what there is."""
    mock = fast()
    (job_id,) = mock.add_jobs(1)

    def use(client: Client) -> tuple[Any, Any]:
        return client.tasks.get(job_id), client.account.balance()

    job, balance = await with_sdk(mock, use)
    assert job.job_id == job_id
    assert (balance.account_id, balance.available_points) == (1, 1048)


async def test_a_failed_job_is_its_error() -> None:
    """Waiting for a job that fails raises the job's message."""
    mock = MockLegnext(run_times=lambda _: Run(1, Failure(403, "rejected", "raw")), time_scale=1e5)
    (job_id,) = mock.add_jobs(1)

    def use(client: Client) -> None:
        client.tasks.wait_for_completion(job_id, timeout=30, poll_interval=0.001)

    with pytest.raises(LegnextAPIError, match="rejected"):
        await with_sdk(mock, use)


async def test_errors_are_its_errors() -> None:
    """An unknown job, a wrong key, wrong parameters and too many requests are what it calls so."""

    def unknown(client: Client) -> None:
        client.tasks.get("none")

    def wrong(client: Client) -> None:
        client._http.request("POST", "/v1/diffusion", json={"text": 1})

    def many(client: Client) -> None:
        client.account.balance()
        client.account.balance()

    with pytest.raises(NotFoundError):
        await with_sdk(fast(), unknown)
    with pytest.raises(ValidationError):
        await with_sdk(fast(), wrong)
    with pytest.raises(AuthenticationError):
        await with_sdk(fast(api_keys=["right"]), unknown, key="wrong")
    with pytest.raises(RateLimitError):
        await with_sdk(fast(limit=TokenBucket(1e-9)), many)


async def test_its_own_retries_honour_retry_after() -> None:
    """The SDK reads our Retry-After, and is let in when it comes back."""
    mock = MockLegnext(limit=TokenBucket(1e4), time_scale=1e-4)

    def use(client: Client) -> Any:  # noqa: ANN401 - the SDK's own
        client._http.max_retries = 3
        client.account.balance()
        return client.account.balance()

    # One token comes in each of the client's seconds.
    await with_sdk(mock, use)
    statuses = [record.status_code for record in mock.requests]
    assert (statuses[0], statuses[-1]) == (200, 200)
    assert set(statuses[1:-1]) <= {429}
    assert {record.retry_after for record in mock.requests} <= {None, 1}


async def test_its_async_client_too() -> None:
    """The SDK's client for asyncio, in a thread with a loop of its own, works as well."""
    mock = fast()

    async def use(url: str) -> str:
        async with AsyncClient(api_key="key", base_url=f"{url}/api") as client:
            job = await client.midjourney.inpaint(job_id="j", image_no=1, mask=PNG)
            done = await client.tasks.wait_for_completion(job.job_id, poll_interval=0.001)
            balance = await client.account.balance()
            assert balance.balance is not None
            assert math.isclose(balance.balance, 72.048)
            status: str = done.status.value
            return status

    async with mock.serve() as url:
        assert await trio.to_thread.run_sync(anyio.run, use, url) == "completed"
