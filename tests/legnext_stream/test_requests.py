"""Single requests: a job, a submit, the balance; which are repeated, and what each answer means."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import trio

from legnext_stream import (
    ApiError,
    AuthenticationError,
    Balance,
    HostUnreachableError,
    InsufficientCreditsError,
    InvalidJobId,
    InvalidRequestError,
    JobStatus,
    LegnextClient,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SubmitUnknownError,
    TaskType,
    UnexpectedAnswerError,
)
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import (
    KEY,
    URL,
    HandMade,
    Unreachable,
    in_turn,
    job_body,
    use_backend,
)

IMAGE = "https://images.example/1.png"
CANVAS = {"canvas": {"width": 512, "height": 512}}
POSITION = {"img_pos": {"width": 256, "height": 256, "x": 0, "y": 0}}
MASK = {"areas": [{"width": 500, "height": 500, "points": [0, 0, 9, 0, 9, 9]}]}
PARAMS: dict[TaskType, dict[str, object]] = {
    TaskType.DIFFUSION: {"text": "a fox"},
    TaskType.VARIATION: {"job_id": "j", "image_no": 0, "type": 1, "remix_prompt": "red"},
    TaskType.UPSCALE: {"jobId": "j", "imageNo": 3, "type": 0},
    TaskType.REROLL: {"job_id": "j"},
    TaskType.BLEND: {"img_urls": [IMAGE, IMAGE], "aspect_ratio": "1:1"},
    TaskType.DESCRIBE: {"img_url": IMAGE},
    TaskType.SHORTEN: {"prompt": "a very long prompt"},
    TaskType.PAN: {"job_id": "j", "image_no": 0, "direction": 2, "scale": 1.5},
    TaskType.OUTPAINT: {"job_id": "j", "image_no": 0, "scale": 1.1},
    TaskType.INPAINT: {"job_id": "j", "image_no": 0, "mask": MASK},
    TaskType.REMIX: {"job_id": "j", "image_no": 0, "remix_prompt": "blue", "mode": 1},
    TaskType.EDIT: {"job_id": "j", "image_no": 0, "remix_prompt": "x", **CANVAS, **POSITION},
    TaskType.UPLOAD_PAINT: {
        "img_url": IMAGE,
        "remix_prompt": "x",
        "mask": MASK,
        **CANVAS,
        **POSITION,
    },
    TaskType.RETEXTURE: {"img_url": IMAGE, "remix_prompt": "wool"},
    TaskType.REMOVE_BACKGROUND: {"img_url": IMAGE},
    TaskType.ENHANCE: {"job_id": "j", "image_no": 1},
    TaskType.VIDEO_DIFFUSION: {"prompt": "it moves", "video_type": 1},
    TaskType.EXTEND_VIDEO: {"job_id": "j", "video_no": 0},
    TaskType.VIDEO_UPSCALE: {"job_id": "j", "video_no": 2},
}
ERRORS: dict[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: ServerError,
    413: InvalidRequestError,
    418: UnexpectedAnswerError,
    422: InvalidRequestError,
    429: RateLimitError,
    500: ServerError,
    503: ServerError,
    302: UnexpectedAnswerError,
}
FORMS: dict[str, dict[str, Any]] = {
    "flat": {"code": 7, "message": "in words", "raw_message": "raw", "detail": None},
    "nested": {"error": {"code": 7, "message": "in words"}},
    "job": {"job_id": "", "status": "failed", "error": {"code": 7, "message": "in words"}},
}


def client_of(mock: MockLegnext, **settings: Any) -> LegnextClient:  # noqa: ANN401 - passed on
    """Make a client of this mock."""
    return LegnextClient(KEY, URL, mock.transport(), **settings)


def with_original(task: str = "diffusion") -> MockLegnext:
    """Make a mock with a completed job `"j"`, which submits of other tasks can refer to."""
    mock = MockLegnext()
    completed = Script(["completed"])
    draft = {"text": "a fox --draft"}
    mock.world.add_job(task, at=mock.now, script=completed, job_id="j", params=draft)
    return mock


async def test_get_job() -> None:
    """It returns the current state of the job."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 10), "completed"]), "upscale")
    async with client_of(mock) as client:
        job = await client.get_job(job_id)
        assert (job.job_id, job.status) == (job_id, JobStatus.PENDING)
        assert job.task_type is TaskType.UPSCALE
        await trio.sleep(10)
        job = await client.get_job(job_id)
        assert job.status is JobStatus.COMPLETED
        assert len(job.output.image_urls) == 1
        with pytest.raises(NotFoundError, match="404"):
            await client.get_job("no-such-job")


@pytest.mark.parametrize("bad", ["", "a/b", "..", None])
async def test_get_job_of_what_is_no_id(bad: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It is refused before any request."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        with pytest.raises(InvalidJobId):
            await client.get_job(bad)
    assert len(mock.requests) == 0


def test_the_table_of_params_is_complete() -> None:
    """The test below submits all task types."""
    assert set(PARAMS) == set(TaskType)


@pytest.mark.parametrize("task", TaskType)
async def test_submit_of_every_task(task: TaskType) -> None:
    """The mock, which checks the fields, accepts each of the 19, and its job ends."""
    mock = with_original("video-diffusion" if "video_no" in PARAMS[task] else "diffusion")
    async with client_of(mock) as client:
        job = await client.submit(task, callback="https://hook.example/x", **PARAMS[task])
        assert job.status is JobStatus.PENDING
        assert job.task_type is task
        done = await client.wait(job)
    assert done.status is JobStatus.COMPLETED
    assert f"/api/v1/{task}" in [record.path for record in mock.requests]


async def test_submit_by_name_and_what_is_wrong_with_it() -> None:
    """A task type can be text; an unknown one is refused, and the error names a missing field."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        assert (await client.submit("describe", imgUrl=IMAGE)).task_type is TaskType.DESCRIBE
        with pytest.raises(ValueError, match="'hologram'"):
            await client.submit("hologram", text="x")
        with pytest.raises(InvalidRequestError, match="400"):
            await client.submit("upscale", job_id="j")
        with pytest.raises(TypeError, match="twice"):
            await client.submit("reroll", job_id="j", jobId="j")


async def test_diffusion() -> None:
    """It submits a prompt; without a callback it sends none."""
    transport = in_turn(httpx.Response(200, json=job_body("a", "pending")))
    async with LegnextClient(KEY, URL, transport) as client:
        await client.diffusion("a fox")
        await client.diffusion("a fox", callback="https://hook.example")
    bodies = [json.loads(request.content) for request in transport.requests]
    assert bodies == [{"text": "a fox"}, {"text": "a fox", "callback": "https://hook.example"}]


async def test_inpaint_with_a_file() -> None:
    """A mask of bytes is sent as a PNG file in a form, numbers as text."""
    mock = with_original()
    async with client_of(mock) as client:
        job = await client.submit(
            "inpaint", job_id="j", image_no=2, mask=b"\x89PNG\r\n\x1a\n...", remix_prompt="sky"
        )
        assert job.task_type is TaskType.INPAINT
        with pytest.raises(InvalidRequestError):
            await client.submit("inpaint", job_id="j", image_no=2, mask=b"no png")


async def test_a_submit_that_is_lost_is_said_to_be_unknown() -> None:
    """A submit that was sent and not answered is not repeated, because the job may exist and cost."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    transport = HandMade(handle)
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(SubmitUnknownError, match="may exist") as caught:
            await client.diffusion("x")
        assert isinstance(caught.value, HostUnreachableError)
        assert "legnext.test" in str(caught.value)
        assert len(transport.requests) == 1
        with pytest.raises(HostUnreachableError) as other:
            await client.get_job("a")
        assert not isinstance(other.value, SubmitUnknownError)
        assert len(transport.requests) > 3


async def test_a_submit_that_was_never_sent_is_repeated() -> None:
    """After a refused connection, the submit is sent again."""
    transport = in_turn(
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.Response(429, json={"code": 429}),
        httpx.Response(200, json=job_body("a", "pending")),
    )
    async with LegnextClient(KEY, URL, transport) as client:
        assert (await client.diffusion("x")).job_id == "a"
    assert len(transport.requests) == 4


async def test_a_host_that_never_takes_a_submit(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `retry_for` the client gives up; no job exists."""
    use_backend(monkeypatch, Unreachable())
    async with LegnextClient(KEY, URL, retry_for=30) as client:
        with pytest.raises(HostUnreachableError) as caught:
            await client.diffusion("x")
    assert not isinstance(caught.value, SubmitUnknownError)
    assert 10 < trio.current_time() <= 30


@pytest.mark.parametrize("code", [500, 502, 503, 408])
async def test_a_submit_is_not_repeated_after_trouble(code: int) -> None:
    """A job may exist, so the error is raised."""
    transport = in_turn(httpx.Response(code, json={"code": code, "message": "trouble"}))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(ServerError, match="trouble"):
            await client.diffusion("x")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
async def test_a_question_is_repeated_while_that_can_help(code: int) -> None:
    """An error that passes is not raised; one that stays is raised after `retry_for`."""
    trouble = httpx.Response(code, json={"code": code, "message": "for now"})
    good = httpx.Response(200, json=job_body("a", "staged"))
    async with LegnextClient(KEY, URL, in_turn(trouble, trouble, good)) as client:
        assert (await client.get_job("a")).status is JobStatus.STAGED
    transport = in_turn(trouble)
    since = trio.current_time()
    async with LegnextClient(KEY, URL, transport, retry_for=45) as client:
        with pytest.raises(ERRORS.get(code, ServerError), match="for now"):
            await client.get_job("a")
    assert 20 < trio.current_time() - since <= 50
    assert len(transport.requests) >= 5


@pytest.mark.parametrize(("code", "kind"), ERRORS.items())
@pytest.mark.parametrize("form", FORMS)
async def test_the_error_of_each_code_in_each_form(
    code: int, kind: type[ApiError], form: str
) -> None:
    """Class, status code, message and content of the error, for a status request and a submit."""
    transport = in_turn(httpx.Response(code, json=FORMS[form]))
    async with LegnextClient(KEY, URL, transport, retry_for=0) as client:
        for call in (client.get_job("a"), client.diffusion("x"), client.balance()):
            with pytest.raises(kind, match="in words") as caught:
                await call
            assert type(caught.value) is kind
            assert caught.value.status_code == code
            assert json.loads(caught.value.content or b"") == FORMS[form]


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"job_id":"","status":"pending"}',
        b'{"job_id":"a"}',
        b'{"job_id":"a","status":7}',
    ],
)
async def test_an_answer_that_is_no_job(content: bytes) -> None:
    """The error says so, and has the content."""
    transport = in_turn(httpx.Response(200, content=content))
    async with LegnextClient(KEY, URL, transport) as client:
        for call in (client.get_job("a"), client.diffusion("x")):
            with pytest.raises(UnexpectedAnswerError, match="not a job") as caught:
                await call
            assert (caught.value.status_code, caught.value.content) == (200, content)


async def test_balance() -> None:
    """It returns what the account has left, and the whole answer."""
    async with client_of(MockLegnext()) as client:
        balance = await client.balance()
    assert balance == Balance(
        balance_usd=72.048, available_credits=71000, available_points=1048, raw={}
    )
    assert balance.raw["message"] == "success"


async def test_a_balance_without_all_of_its_numbers() -> None:
    """A missing number is 0."""
    transport = in_turn(httpx.Response(200, json={"data": {"available_points": 3}}))
    async with LegnextClient(KEY, URL, transport) as client:
        balance = await client.balance()
    assert (balance.balance_usd, balance.available_credits, balance.available_points) == (0, 0, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"{}",
        b'{"data":[]}',
        b'{"data":{"balance_usd":"72"}}',
        b'{"data":{"balance_usd":null}}',
        b'{"data":{"balance_usd":true}}',
        b'{"data":{"balance_usd":1' + b"0" * 400 + b"}}",
    ],
)
async def test_an_answer_that_is_no_balance(content: bytes) -> None:
    """An answer without numbers, or with an infinite one, raises an error that says so."""
    transport = in_turn(httpx.Response(200, content=content))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(UnexpectedAnswerError, match="not a balance"):
            await client.balance()


@pytest.mark.parametrize("said", ["another", "../../etc/passwd", 7, None])
async def test_an_answer_about_another_job_is_no_answer(said: object) -> None:
    """Neither is one whose id can't be an id: a program may put it into a path."""
    transport = in_turn(httpx.Response(200, json={"job_id": said, "status": "completed"}))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(UnexpectedAnswerError):
            await client.get_job("a")


async def test_a_job_has_the_id_that_was_asked() -> None:
    """The job has the id as it was asked for, even if the API writes it in capitals."""
    transport = in_turn(httpx.Response(200, json={"job_id": "AB-C", "status": "completed"}))
    async with LegnextClient(KEY, URL, transport) as client:
        assert (await client.get_job("ab-c")).job_id == "ab-c"
