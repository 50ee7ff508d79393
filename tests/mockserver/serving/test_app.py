"""The routes of the API, over HTTP in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from mockserver import Fixed, Lognormal, MockLegnext, Script, TokenBucket, run_virtual
from mockserver._serving.app import GetJob
from mockserver._world.tasks import TASKS
from tests.mockserver.api.asking import PNG, add_parent, ask
from tests.mockserver.api.test_validation import GOOD
from tests.mockserver.helpers import POST, client_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_submitted(task: str) -> None:
    """A submit returns 200 with the pending job, which can then be looked up."""
    mock = MockLegnext()
    parent = add_parent(mock, GOOD[task])
    answer = ask(mock, "POST", f"/api/v1/{task}", json=GOOD[task])
    assert answer.status_code == 200
    job = answer.json()
    assert (job["status"], job["task_type"]) == ("pending", task)
    again = ask(mock, "GET", f"/api/v1/job/{job['job_id']}")
    assert again.json() == job
    assert [r.job_id for r in mock.requests] == [job["job_id"]] * 2
    assert list(mock.truth) == [*parent, job["job_id"]]


def test_a_mask_can_be_a_file() -> None:
    """An inpaint can be a form with a PNG, as the vendor's SDK sends it."""
    form = {"jobId": "j", "imageNo": "2", "remixPrompt": "more"}
    mock = MockLegnext()
    add_parent(mock, form)
    answer = ask(mock, "POST", "/api/v1/inpaint", data=form, files={"mask": PNG})
    assert answer.status_code == 200
    assert answer.json()["task_type"] == "inpaint"


@pytest.mark.parametrize(
    ("form", "mask", "status", "complaint"),
    [
        ({"jobId": "j", "imageNo": "9"}, PNG, 400, "imageNo must be an integer from 0 to 3"),
        ({"jobId": "j", "imageNo": "one"}, PNG, 400, "imageNo must be an integer from 0 to 3"),
        ({"jobId": "j", "imageNo": "9" * 5000}, PNG, 400, "imageNo must be an integer from 0 to 3"),
        ({"jobId": "j", "imageNo": "1"}, b"GIF", 422, "mask must be a PNG file"),
    ],
)
def test_forms_are_checked(form: dict[str, str], mask: bytes, status: int, complaint: str) -> None:
    """A form is checked as JSON is; a bad file gets 422."""
    answer = ask(MockLegnext(), "POST", "/api/v1/inpaint", data=form, files={"mask": mask})
    assert (answer.status_code, answer.json()["raw_message"]) == (status, complaint)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 10_000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """A body other than a JSON object gets 400, and makes no job."""
    mock = MockLegnext()
    answer = ask(mock, "POST", POST, content=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid parameters"
    assert answer.json()["raw_message"].startswith("the body ")
    assert not mock.truth


def test_the_callback_is_kept() -> None:
    """The callback of a submit is in the job's configuration."""
    mock = MockLegnext()
    answer = ask(mock, "POST", POST, json={"text": "a", "callback": "http://127.0.0.1/x"})
    assert answer.json()["config"]["webhook_config"]["endpoint"] == "http://127.0.0.1/x"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/job/none", 404),
        ("GET", "/api/v1/jobs", 404),
        ("GET", "/", 404),
        ("POST", "/api/v1/diffusion/", 404),
        ("GET", POST, 405),
        ("DELETE", "/api/v1/job/x", 405),
    ],
)
def test_what_there_is_not(method: str, path: str, status: int) -> None:
    """Unknown jobs, unknown routes and wrong methods get the API's errors."""
    answer = ask(MockLegnext(), method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "raw_message", "detail"}
    assert answer.json()["code"] == status
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("keys", "sent", "status"),
    [
        (None, {"x-api-key": "any"}, 200),
        (None, {"x-api-key": ""}, 401),
        (None, {}, 401),
        (["right"], {"x-api-key": "right"}, 200),
        (["right"], {"x-api-key": "wrong"}, 401),
        (["right"], {"authorization": "Bearer right"}, 401),
    ],
)
def test_keys(keys: list[str] | None, sent: dict[str, str], status: int) -> None:
    """Any key is accepted, or only the configured ones; a missing one never is."""
    mock = MockLegnext(api_keys=keys)

    async def one() -> int:
        async with client_of(mock, headers=sent) as client:
            return (await client.get("/api/account/balance")).status_code

    assert run_virtual(one) == status
    assert [record.status_code for record in mock.requests] == [status]


async def burst_of(mock: MockLegnext, n: int) -> list[httpx.Response]:
    """Ask for the balance `n` times in a row."""
    async with client_of(mock) as client:
        return [await client.get("/api/account/balance") for _ in range(n)]


def test_above_the_limit_is_429_with_retry_after() -> None:
    """Above the limit the answer is 429 with whole seconds, also in the journal."""
    mock = MockLegnext(limit=TokenBucket(0.4, burst=2))
    answers = run_virtual(burst_of, mock, 3)
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "3"
    assert answers[2].json()["code"] == 429
    assert [record.retry_after for record in mock.requests] == [None, None, 3]


def test_retry_after_is_in_the_clients_seconds() -> None:
    """If the world runs faster, the wait is shorter, but never zero seconds."""
    mock = MockLegnext(limit=TokenBucket(0.01), time_scale=50)
    assert run_virtual(burst_of, mock, 2)[1].headers["retry-after"] == "2"
    mock = MockLegnext(limit=TokenBucket(10), time_scale=50)
    assert run_virtual(burst_of, mock, 2)[1].headers["retry-after"] == "1"


def test_a_wrong_key_costs_no_token() -> None:
    """Requests with a wrong key don't count towards the limit."""
    mock = MockLegnext(limit=TokenBucket(0.01), api_keys=["key"])

    async def wrong_then_right() -> list[int]:
        async with client_of(mock) as client:
            wrong = await client.get("/api/account/balance", headers={"x-api-key": "other"})
            right = await client.get("/api/account/balance")
            return [wrong.status_code, right.status_code]

    assert run_virtual(wrong_then_right) == [401, 200]


def test_the_date_is_the_worlds() -> None:
    """All answers have a `Date` by the world's calendar, errors included."""
    mock = MockLegnext(time_scale=60)

    async def two() -> list[str]:
        async with client_of(mock) as client:
            first = await client.get("/api/account/balance")
            await anyio.sleep(2)
            return [first.headers["date"], (await client.get("/nowhere")).headers["date"]]

    assert run_virtual(two) == ["Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:02:00 GMT"]


@pytest.mark.parametrize("latency", [0.25, Fixed(0.25)])
def test_latency(latency: float | Fixed) -> None:
    """An answer takes the configured time, and has the job as it is then."""
    mock = MockLegnext(latency=latency)

    async def one() -> str:
        job_id = mock.add_job(Script([("pending", 0.2), "completed"]))
        async with client_of(mock) as client:
            status: str = (await client.get(f"/api/v1/job/{job_id}")).json()["status"]
            return status

    assert run_virtual(one) == "completed"
    assert [(record.at, record.answered_at) for record in mock.requests] == [(0, 0.25)]


def test_drawn_latency_does_not_depend_on_other_requests() -> None:
    """Other requests don't change the latency of the n-th request for a path."""

    def taken(paths: list[str]) -> list[float]:
        mock = MockLegnext(latency=Lognormal(0.1, 1))

        async def all_of_them() -> None:
            async with client_of(mock) as client:
                for path in paths:
                    await client.get(path)

        run_virtual(all_of_them)
        records = [record for record in mock.requests if record.path == "/a"]
        return [round(record.answered_at - record.at, 9) for record in records]

    assert taken(["/a", "/a"]) == taken(["/a", "/b", "/b", "/a"])
    assert len(set(taken(["/a", "/a"]))) == 2


def test_admin_tells_the_truth() -> None:
    """Truth and journal need no key, have no limit, and aren't in the journal."""
    mock = MockLegnext(limit=TokenBucket(0.001))
    job_id = mock.add_job(Script([("pending", 1), "completed"]))

    async def read() -> list[Any]:
        async with client_of(mock) as client:
            await client.get(f"/api/v1/job/{job_id}")
            await anyio.sleep(5)
            async with client_of(mock, headers={}) as nobody:
                paths = ["/__admin/truth", "/__admin/requests", "/__admin/requests"]
                return [(await nobody.get(path)).json() for path in paths]

    truth, requests, again = run_virtual(read)
    assert truth == {job_id: [[0, "pending"], [1, "completed"]]}
    assert requests == again == json.loads(f"[{mock.requests.dump().decode()}]")
    assert requests[0]["job_id"] == job_id


def test_a_bug_is_a_500_and_is_kept() -> None:
    """An internal error is a 500, in the journal, and among the crashes."""

    def broken(_start: object) -> float:
        raise ZeroDivisionError

    mock = MockLegnext(run_times=broken)
    (job_id,) = mock.add_jobs(1)

    async def late() -> httpx.Response:
        async with client_of(mock) as client:
            await anyio.sleep(1)
            return await client.get(f"/api/v1/job/{job_id}")

    answer = run_virtual(late)
    assert (answer.status_code, answer.json()["raw_message"]) == (500, "ZeroDivisionError")
    assert [type(error) for error in mock.crashes] == [ZeroDivisionError]
    assert [record.status_code for record in mock.requests] == [500]


def test_a_bug_in_any_route_is_told_as_the_api_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that Starlette catches is a 500 in the API's form, and a crash."""
    mock = MockLegnext()

    def broken(*_args: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("mockserver._serving.app.balance_body", broken)
    answer = ask(mock, "GET", "/api/account/balance")
    assert (answer.status_code, answer.json()["raw_message"]) == (500, "ZeroDivisionError")
    assert [type(error) for error in mock.crashes] == [ZeroDivisionError]


def test_a_bug_in_the_midst_of_an_answer_is_journaled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that breaks off has one record in the journal."""
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)

    async def break_off(_self: GetJob, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        raise ZeroDivisionError

    monkeypatch.setattr(GetJob, "__call__", break_off)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(mock, "GET", f"/api/v1/job/{job_id}")
    assert [record.status_code for record in mock.requests] == [200]
    assert [type(error) for error in mock.crashes] == [ZeroDivisionError]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_any_event_loop_can_host_it(backend: str) -> None:
    """With another clock, the application runs without Trio."""
    seconds = iter(range(100))
    mock = MockLegnext(clock=lambda: float(next(seconds)), latency=0.001, time_scale=1)

    async def use() -> str:
        transport = httpx.ASGITransport(app=mock.app)
        async with client_of(mock, transport=transport) as client:
            job_id = (await client.post(POST, json={"text": "a"})).json()["job_id"]
            job = await client.get(f"/api/v1/job/{job_id}")
            status: str = job.json()["status"]
            return status

    assert anyio.run(use, backend=backend) == "processing"


def test_a_server_may_leave_out_the_raw_path() -> None:
    """Without the optional `raw_path`, the journal quotes the path."""
    mock = MockLegnext()

    async def call() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            await anyio.lowlevel.checkpoint()
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/api/v1/job/a b", "headers": []}
        app: Any = mock.app
        await app(scope, None, send)
        return sent

    assert run_virtual(call)[0]["status"] == 401
    assert [(r.path, r.job_id) for r in mock.requests] == [("/api/v1/job/a%20b", "a b")]
