"""The vendor's own SDK, unmodified, over real sockets.

What its models accept of our answers is the nearest thing to the real service that a test can have.
"""

from __future__ import annotations

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

from mockserver import (
    Account,
    Failure,
    Fixed,
    MockLegnext,
    Moderation,
    Quirks,
    Run,
    Script,
    TokenBucket,
)
from mockserver._world.tasks import TASKS
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

URL = "https://example.org/a.png"
# The jobs that others are made of.
IMAGES = "11111111-0000-4000-8000-000000000000"
VIDEOS = "22222222-0000-4000-8000-000000000000"
PNG = b"\x89PNG\r\n\x1a\n0000"
CANVAS = Canvas(width=1024, height=1024)
PLACE = CanvasImg(width=512, height=512, x=0, y=0)
MASK = Mask(areas=[Polygon(width=512, height=512, points=[0, 0, 9, 0, 9, 9])], url=None)

SUBMITS: dict[str, tuple[str, dict[str, Any]]] = {
    "diffusion": ("diffusion", {"text": "a", "callback": "http://127.0.0.1/hook"}),
    "variation": ("variation", {"job_id": IMAGES, "image_no": 0, "type": 1}),
    "upscale": ("upscale", {"job_id": IMAGES, "image_no": 0, "type": 1}),
    "reroll": ("reroll", {"job_id": IMAGES}),
    "blend": ("blend", {"img_urls": [URL, URL], "aspect_ratio": "1:1"}),
    "describe": ("describe", {"img_url": URL}),
    "shorten": ("shorten", {"prompt": "a"}),
    "pan": ("pan", {"job_id": IMAGES, "image_no": 0, "direction": 2, "scale": 1.5}),
    "outpaint": ("outpaint", {"job_id": IMAGES, "image_no": 0, "scale": 1.5}),
    "inpaint": ("inpaint", {"job_id": IMAGES, "image_no": 0, "mask": PNG, "remix_prompt": "a"}),
    "remix": ("remix", {"job_id": IMAGES, "image_no": 0, "remix_prompt": "a", "mode": 0}),
    "edit": (
        "edit",
        {
            "job_id": IMAGES,
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
    "enhance": ("enhance", {"job_id": IMAGES, "image_no": 0}),
    "video_diffusion": ("video-diffusion", {"prompt": "a", "video_type": 1}),
    "extend_video": ("extend-video", {"job_id": VIDEOS, "video_no": 0}),
    "video_upscale": ("video-upscale", {"job_id": VIDEOS, "video_no": 0}),
}


async def with_sdk(mock: MockLegnext, use: Callable[[Client], Any], key: str = "key") -> Any:  # noqa: ANN401 - whatever `use` gives
    """Call `use` with the SDK's client in a thread beside the server."""

    def in_thread() -> Any:  # noqa: ANN401 - as above
        with Client(api_key=key, base_url=f"{url}/api", max_retries=0) as client:
            return use(client)

    async with mock.serve() as url:
        result = await trio.to_thread.run_sync(in_thread)
    assert mock.crashes == []
    return result


def fast(**settings: Any) -> MockLegnext:  # noqa: ANN401 - as MockLegnext takes
    """A mock in which nothing takes long."""
    return MockLegnext(slots=None, time_scale=1e5, run_times=Fixed(60), **settings)


def with_originals(mock: MockLegnext) -> MockLegnext:
    """Add the completed jobs that submits refer to."""
    for job_id, task in ((IMAGES, "diffusion"), (VIDEOS, "video-diffusion")):
        params = {"text": "a --draft"}
        script = Script(["completed"])
        mock.world.add_job(task, at=mock.now, script=script, job_id=job_id, params=params)
    return mock


def results_are_right(mock: MockLegnext, results: Sequence[tuple[Any, Any]]) -> None:
    """Check what the SDK made of all 19 submits and their results."""
    tasks = [task for task, _ in SUBMITS.values()]
    assert [job.task_type.value for job, _ in results] == tasks
    assert {job.status.value for job, _ in results} == {"pending"}
    assert {job.status.value for _, job in results} == {"completed"}
    assert [job.job_id for job, _ in results] == list(mock.truth)[2:]
    done = dict(zip(tasks, (job for _, job in results), strict=True))
    assert len(done["diffusion"].output.image_urls) == 4
    assert len(done["upscale"].output.image_urls) == 1
    assert len(done["video-diffusion"].output.video_urls) == 4
    assert len(done["video-upscale"].output.video_urls) == 1
    assert done["describe"].output.prompts
    assert done["shorten"].output.final_prompt
    assert str(done["diffusion"].config.webhook_config.endpoint).endswith("/hook")


def test_all_tasks_are_tried() -> None:
    """The table of the SDK's methods has all tasks."""
    assert {task for task, _ in SUBMITS.values()} == set(TASKS)


async def test_every_submit_and_every_result() -> None:
    """Each of its 19 submit methods makes a job, and its models accept the result."""
    mock = with_originals(fast())

    def use(client: Client) -> list[tuple[Any, Any]]:
        submitted = [
            getattr(client.midjourney, method)(**given) for method, (_, given) in SUBMITS.items()
        ]
        return [
            (
                job,
                client.tasks.wait_for_completion(job.job_id, timeout=PATIENCE, poll_interval=0.001),
            )
            for job in submitted
        ]

    results_are_right(mock, await with_sdk(mock, use))


async def test_its_async_client_too() -> None:
    """All methods of the SDK's asyncio client work."""
    mock = with_originals(fast())
    balances = []

    async def use(url: str) -> list[tuple[Any, Any]]:
        async with AsyncClient(api_key="key", base_url=f"{url}/api") as client:
            submitted = [
                await getattr(client.midjourney, method)(**given)
                for method, (_, given) in SUBMITS.items()
            ]
            balances.append(await client.account.balance())
            assert (await client.tasks.get(IMAGES)).job_id == IMAGES
            return [
                (job, await client.tasks.wait_for_completion(job.job_id, poll_interval=0.001))
                for job in submitted
            ]

    async with mock.serve() as url:
        results_are_right(mock, await trio.to_thread.run_sync(anyio.run, use, url))
    assert mock.crashes == []
    spent = sum(mock.world.job(job_id, mock.now).points for job_id in mock.truth)
    assert balances[0].balance == (1048 + 71000 - spent) / 1000


async def test_looking_up() -> None:
    """`tasks.get` and `account.balance` work."""
    mock = fast()
    (job_id,) = mock.add_jobs(1)

    def use(client: Client) -> tuple[Any, Any]:
        return client.tasks.get(job_id), client.account.balance()

    job, balance = await with_sdk(mock, use)
    assert job.job_id == job_id
    assert (balance.account_id, balance.available_points) == (1, 1048 - 80)


async def test_a_failed_job_is_its_error() -> None:
    """Waiting for a failed job raises the job's message."""
    mock = MockLegnext(run_times=lambda _: Run(1, Failure(403, "rejected", "raw")), time_scale=1e5)
    (job_id,) = mock.add_jobs(1)

    def use(client: Client) -> None:
        client.tasks.wait_for_completion(job_id, timeout=PATIENCE, poll_interval=0.001)

    with pytest.raises(LegnextAPIError, match="rejected"):
        await with_sdk(mock, use)


async def test_errors_are_its_errors() -> None:
    """Unknown jobs, wrong keys, wrong parameters and 429 raise its own errors."""

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
    """The SDK obeys our Retry-After, and then succeeds."""
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


async def test_what_it_has_no_name_for_has_its_status() -> None:
    """Other errors have their status code."""
    cases = [
        (fast(account=Account(points=0, credits=0, limited=True)), 402),
        (fast(moderation=Moderation(words=("a",))), 403),
    ]

    def use(client: Client) -> None:
        client.midjourney.diffusion(text="a")

    def unusable(client: Client) -> None:
        client.midjourney.extend_video(job_id=IMAGES, video_no=0)

    for mock, status in cases:
        with pytest.raises(LegnextAPIError) as caught:
            await with_sdk(mock, use)
        assert caught.value.status_code == status
    with pytest.raises(LegnextAPIError) as caught:
        await with_sdk(with_originals(fast()), unusable)
    assert caught.value.status_code == 422


async def test_the_nested_error_is_the_one_it_reads() -> None:
    """The SDK looks for an error's message under `error`."""

    def use(client: Client) -> None:
        client.tasks.get("none")

    with pytest.raises(NotFoundError, match="Job not found"):
        await with_sdk(fast(quirks=Quirks(error_body="nested")), use)


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(task_type_separator="_"),
        Quirks(empty_image_urls=True),
        Quirks(missing_output="null", job_error="null", time_resolution="nanoseconds"),
        Quirks(logs="strings", echo_input=True, extra_fields=True),
        Quirks(urls_expire_after=60, temporary_urls=True),
    ],
    ids=repr,
)
async def test_the_variants_it_tolerates(quirks: Quirks) -> None:
    """The vendor's models accept the variants that they should, before and after the end."""
    mock = with_originals(fast(quirks=quirks))
    waits = mock.add_job(Script(["processing"]), "upload-paint")

    def use(client: Client) -> tuple[Any, Any]:
        return client.tasks.get(waits), client.tasks.get(IMAGES)

    before, after = await with_sdk(mock, use)
    assert before.task_type.value == "upload-paint"
    assert len(after.output.image_urls) == 4
