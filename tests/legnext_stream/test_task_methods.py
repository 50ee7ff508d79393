"""A method for each task type, on Trio, asyncio and in plain code."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any, Final, assert_type

import httpx
import pytest

from legnext_stream import InvalidJobId, Job, JobStatus, LegnextClient, TaskType, aio, sync
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY, URL, in_turn, job_body
from tests.legnext_stream.test_requests import MASK, client_of, with_original

IMAGE: Final = "https://example.org/a.png"
CANVAS: Final = {"width": 100, "height": 100}
POSITION: Final = {"width": 50, "height": 50, "x": 0, "y": -1}
PNG: Final = b"\x89PNG\r\n\x1a\n..."
LONGEST: Final = "a" * 8192
CALLBACK: Final = "https://hook.example/x"
# At the ends of the ranges.
CALLS: Final[dict[TaskType, list[Callable[[LegnextClient, Any], Any]]]] = {
    TaskType.DIFFUSION: [
        lambda client, _: client.diffusion(LONGEST),
        lambda client, _: client.diffusion("a", callback=CALLBACK),
    ],
    TaskType.VARIATION: [
        lambda client, job: client.variation(job, 0),
        lambda client, job: client.variation(job, image=3, type=1, remix_prompt="red"),
    ],
    TaskType.UPSCALE: [
        lambda client, job: client.upscale(job, image=0),
        lambda client, job: client.upscale(job, 3, type=1, callback=CALLBACK),
    ],
    TaskType.REROLL: [lambda client, job: client.reroll(job)],
    TaskType.BLEND: [
        lambda client, _: client.blend([IMAGE] * 2),
        lambda client, _: client.blend((IMAGE,) * 5, aspect_ratio="3:2"),
    ],
    TaskType.DESCRIBE: [lambda client, _: client.describe(IMAGE)],
    TaskType.SHORTEN: [lambda client, _: client.shorten("a long prompt")],
    TaskType.PAN: [
        lambda client, job: client.pan(job, 0, direction=0),
        lambda client, job: client.pan(job, 3, direction=3, scale=3, remix_prompt="sea"),
        lambda client, job: client.pan(job, 3, direction=3, scale=1.1),
    ],
    TaskType.OUTPAINT: [
        lambda client, job: client.outpaint(job, 0),
        lambda client, job: client.outpaint(job, 0, scale=2.0, remix_prompt="sea"),
    ],
    TaskType.INPAINT: [
        lambda client, job: client.inpaint(job, 0, mask=MASK),
        lambda client, job: client.inpaint(job, 0, mask={"url": IMAGE}, remix_prompt="sky"),
        lambda client, job: client.inpaint(job, 0, mask=PNG, remix_prompt="sky"),
    ],
    TaskType.REMIX: [
        lambda client, job: client.remix(job, 0, "blue"),
        lambda client, job: client.remix(job, 0, "blue", mode=1),
    ],
    TaskType.EDIT: [
        lambda client, job: client.edit(job, 0, "sea", canvas=CANVAS, img_pos=POSITION),
        lambda client, job: client.edit(job, 0, "sea", mask=MASK, canvas=CANVAS, img_pos=POSITION),
    ],
    TaskType.UPLOAD_PAINT: [
        lambda client, _: client.upload_paint(
            IMAGE, "sea", mask=MASK, canvas=CANVAS, img_pos=POSITION
        )
    ],
    TaskType.RETEXTURE: [lambda client, _: client.retexture(IMAGE, "wool")],
    TaskType.REMOVE_BACKGROUND: [lambda client, _: client.remove_background(IMAGE)],
    TaskType.ENHANCE: [lambda client, job: client.enhance(job, 1)],
    TaskType.VIDEO_DIFFUSION: [
        lambda client, _: client.video_diffusion("it moves"),
        lambda client, job: client.video_diffusion(job=job, image=0, video_type=1),
        lambda client, job: client.video_diffusion("it moves", job=job, image=3, video_type=0),
    ],
    TaskType.EXTEND_VIDEO: [
        lambda client, job: client.extend_video(job, 0),
        lambda client, job: client.extend_video(job, video=3, prompt="on and on"),
    ],
    TaskType.VIDEO_UPSCALE: [lambda client, job: client.video_upscale(job, 2)],
}


def test_each_task_has_a_method() -> None:
    """On all three clients, the same; and the test below calls it."""
    assert set(CALLS) == set(TaskType)
    for task in TaskType:
        name = task.replace("-", "_")
        method = getattr(LegnextClient, name)
        assert method is getattr(aio.LegnextClient, name) is getattr(sync.LegnextClient, name)
        assert "callback" in inspect.signature(method).parameters


@pytest.mark.parametrize("task", TaskType)
async def test_the_api_takes_what_a_method_sends(task: TaskType) -> None:
    """The mock, which checks the fields, accepts each call, with a job and with its id."""
    mock = with_original(
        "video-diffusion" if "video" in task and "diff" not in task else "diffusion"
    )
    async with client_of(mock) as client:
        original = await client.get_job("j")
        for call in CALLS[task]:
            for job in ("j", original):
                made = await call(client, job)
                assert_type(made, Any)
                assert (made.task_type, made.status) == (task, JobStatus.PENDING)


async def test_fields_have_the_names_of_the_api() -> None:
    """What is not given is not sent, and what has a default is."""
    transport = in_turn(httpx.Response(200, json=job_body("a", "pending")))
    async with LegnextClient(KEY, URL, transport) as client:
        await client.upscale("j", image=0)
        await client.pan("j", 1, direction=2, remix_prompt="sea")
        await client.video_diffusion(job="j", image=0)
        await client.blend([IMAGE, IMAGE])
    assert [json.loads(request.content) for request in transport.requests] == [
        {"jobId": "j", "imageNo": 0, "type": 0},
        {"jobId": "j", "imageNo": 1, "direction": 2, "scale": 1.5, "remixPrompt": "sea"},
        {"jobId": "j", "imageNo": 0},
        {"imgUrls": [IMAGE, IMAGE], "aspect_ratio": "1:1"},
    ]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda client: client.upscale("j", image=4), ValueError, "imageNo must be from 0 to 3"),
        (lambda client: client.upscale("j", image=0, type=2), ValueError, "type must be from 0"),
        (lambda client: client.upscale("../x", image=0), InvalidJobId, "not a job id"),
        (lambda client: client.upscale(None, image=0), InvalidJobId, "job id is a string"),
        (lambda client: client.extend_video("j", 4), ValueError, "videoNo must be from 0 to 3"),
        (lambda client: client.diffusion(""), ValueError, "text must have 1 to 8,192"),
        (lambda client: client.pan("j", 0, direction=4), ValueError, "direction must be from 0"),
        (lambda client: client.outpaint("j", 0, scale=3.0), ValueError, "scale must be from 1.1"),
        (lambda client: client.inpaint("j", 0, mask=b"GIF89a"), ValueError, "a PNG file"),
        (lambda client: client.video_diffusion(), TypeError, "takes a prompt, or a job and an image"),
        (lambda client: client.video_diffusion(job="j"), TypeError, "takes a prompt, or a job"),
        (lambda client: client.video_diffusion("a", image=1), TypeError, "takes a prompt, or a job"),
    ],
)  # fmt: skip
async def test_ranges_are_checked_before_sending(
    call: Callable[[Any], Any], kind: type[Exception], message: str
) -> None:
    """What the API would refuse is refused here, without a request, on each client."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        with pytest.raises(kind, match=message):
            await call(client)
        assert not mock.requests
    for other in (aio.LegnextClient(KEY), sync.LegnextClient(KEY)):
        with pytest.raises(kind, match=message):
            call(other)


# Never called: type checkers read it.
async def _types(
    trio: LegnextClient, under_asyncio: aio.LegnextClient, plain: sync.LegnextClient
) -> None:
    assert_type(await trio.upscale("j", image=0), Job)
    assert_type(await under_asyncio.upscale("j", image=0), Job)
    assert_type(plain.upscale("j", image=0), Job)
