"""The admin routes over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from mockserver import Fixed, MockLegnext
from mockserver._serving.control.operations import OPERATIONS
from mockserver._serving.control.routes import MOST_BYTES
from tests.mockserver.helpers import Wire, client_of, in_virtual_time

PAGE = Path(__file__).parents[4] / "docs" / "mock" / "control.md"


class Desk:
    """Sends requests to the admin routes of a mock, and records which."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.asked: set[tuple[str, str]] = set()

    async def __call__(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Send a request with the path parameters among the options; return the answer."""
        names = {"job_id", "name", "snapshot_id"} & options.keys()
        params = {name: options.pop(name) for name in names}
        self.asked.add((method, path))
        answer = await self._client.request(method, "/__admin" + path.format(**params), **options)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()


@in_virtual_time
async def test_all_operations() -> None:  # noqa: PLR0915 - one story, route by route
    """Each route does what its method of `Control` does, and returns the result."""
    mock = MockLegnext(run_times=Fixed(10))
    mock.webhooks.receive("http://mine.test/", lambda _request: None)
    async with client_of(mock) as client:
        ask = Desk(client)

        # Jobs
        ids = (await ask("POST", "/jobs", json={"count": 2}))["job_ids"]
        mine = {
            "job_id": "mine",
            "task_type": "upscale",
            "script": ["pending", ["processing", 5], "completed"],
            "callback": "http://mine.test/",
            "priority": 3,
        }
        assert await ask("POST", "/jobs", json=mine) == {"job_ids": ["mine"]}
        listed = await ask("GET", "/jobs")
        assert [job["job_id"] for job in listed] == ["mine", ids[1], ids[0]]
        assert [job["job_id"] for job in await ask("GET", "/jobs", params={"last": 1})] == ["mine"]
        seen = await ask("POST", "/jobs/{job_id}/release", job_id="mine")
        assert seen["changes"] == [[0.0, "pending"], [0.0, "processing"]]
        await ask("POST", "/jobs/{job_id}/hold", job_id="mine")
        await trio.sleep(6)
        seen = await ask("GET", "/jobs/{job_id}", job_id="mine")
        assert (seen["status"], seen["task_type"]) == ("processing", "upscale")
        body = {"status": "failed", "failure": {"code": 1, "message": "m", "raw_message": "r"}}
        seen = await ask("PUT", "/jobs/{job_id}/status", job_id="mine", json=body)
        assert seen["status"] == "failed"
        await mock.webhooks.drain()
        (delivery,) = await ask("GET", "/deliveries")
        assert delivery["job_id"] == "mine"

        # Snapshots
        taken = await ask("POST", "/snapshots")
        assert taken == {"id": "1", "at": mock.now}

        # Limits and faults
        bucket = {"limit": {"kind": "token-bucket", "rate": 1.0}}
        assert await ask("PUT", "/limit", json=bucket) == {"limit": [bucket]}
        assert await ask("GET", "/limit") == {"limit": [bucket]}
        rule = {"fault": {"kind": "status", "code": 503}, "when": {"every": 2}, "name": "bad"}
        assert await ask("POST", "/faults", json=rule) == {"name": "bad"}
        assert await ask("GET", "/faults") == {"faults": [rule]}
        answers = [await client.get("/api/v1/job/mine") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 503, 429]
        assert await ask("DELETE", "/faults/{name}", name="bad") == {}
        await ask("POST", "/faults", json={"fault": {"kind": "delay", "seconds": 1}})
        assert await ask("DELETE", "/faults") == {}
        assert await ask("GET", "/faults") == {"faults": []}

        # Time
        assert (await ask("POST", "/clock/freeze"))["is_frozen"]
        now = mock.now
        assert await ask("POST", "/clock/advance", json={"seconds": 60}) == {
            "now": now + 60,
            "is_frozen": True,
        }
        assert await ask("POST", "/clock/resume") == {"now": now + 60, "is_frozen": False}
        assert (await ask("GET", "/clock"))["now"] == mock.now

        # Looking
        state = await ask("GET", "/state")
        assert state["jobs"] == {"completed": 2, "failed": 1}
        assert state["answers"] == {"200": 1, "503": 1, "429": 1}
        assert state["limits"] == [bucket]
        assert state["balance"]["refunded"] > 0
        truth = await ask("GET", "/truth")
        assert truth[ids[0]][-1] == [10 + 1.0, "completed"]
        truth = await ask("GET", "/truth", params={"job_id": ids[0], "until": 0.2})
        assert truth == {ids[0]: [[0.0, "pending"]]}
        (request,) = await ask("GET", "/requests", params={"status_code": 429})
        assert request["path"] == "/api/v1/job/mine"

        # Back
        await ask("POST", "/snapshots/{snapshot_id}/restore", snapshot_id="1")
        assert await ask("GET", "/requests") == []
        assert (await ask("GET", "/snapshots"))["snapshots"] == [taken]
        assert await ask("DELETE", "/snapshots/{snapshot_id}", snapshot_id="1") == {}
        assert (await ask("POST", "/reset"))["now"] == 0
        assert await ask("GET", "/jobs") == []
    assert ask.asked == {(op.method, op.path) for op in OPERATIONS}
    assert not mock.crashes


@pytest.mark.parametrize(
    ("method", "path", "options", "code", "message"),
    [
        ("POST", "/faults", {"json": {"fault": {"kind": "status", "code": 99}}}, 400, "fault.code"),
        ("POST", "/faults", {"json": {"fault": {"kind": "x"}}}, 400, "fault.kind must be one of"),
        ("PUT", "/limit", {"json": {}}, 400, "limit is missing"),
        ("POST", "/jobs", {"content": b"{"}, 400, "the body is not JSON"),
        ("POST", "/jobs", {"content": b'"\xff"'}, 400, "the body is not JSON"),
        ("POST", "/jobs", {"content": b"[" * 9999}, 400, "the body is not JSON"),
        ("POST", "/jobs", {"content": b" " * (MOST_BYTES + 1)}, 413, "must be at most"),
        ("POST", "/clock/advance", {"json": {"seconds": "inf"}}, 400, "no calendar"),
        ("POST", "/clock/advance", {"json": {"seconds": -1}}, 400, "0 or more"),
        ("GET", "/jobs/nobody", {}, 404, "there is no job 'nobody'"),
        ("PUT", "/jobs/nobody/status", {"json": {"status": "x"}}, 404, "there is no job 'nobody'"),
        ("GET", "/truth?job_id=nobody", {}, 404, "there is no job 'nobody'"),
        ("GET", "/truth?until=soon", {}, 400, "Expected `float | null`"),
        ("DELETE", "/faults/none", {}, 404, "there is no rule 'none'"),
        ("DELETE", "/snapshots/9", {}, 404, "there is no snapshot '9'"),
        ("PUT", "/state", {}, 405, "Method Not Allowed"),
        ("GET", "/nothing", {}, 404, "Not Found"),
        ("GET", "/state/", {}, 404, "Not Found"),
    ],
)
@in_virtual_time
async def test_errors(
    method: str,
    path: str,
    options: dict[str, Any],
    code: int,
    message: str,
) -> None:
    """Errors are one sentence with the place of the problem; none is a crash."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        answer = await client.request(method, "/__admin" + path, **options)
    assert answer.status_code == code
    assert message in answer.json()["message"]
    assert not mock.crashes
    assert len(mock.requests) == 0


@in_virtual_time
async def test_head_is_answered_like_get() -> None:
    """HEAD is answered as GET is, without the body."""
    async with client_of(MockLegnext()) as client:
        answer = await client.head("/__admin/state")
    assert answer.status_code == 200
    assert answer.content == b""


@in_virtual_time
async def test_what_is_not_said_to_the_end_is_not_done() -> None:
    """A request with an incomplete body does nothing."""
    mock = MockLegnext()
    client_end, server_end = trio.testing.memory_stream_pair()
    wire = Wire(client_end)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mock._serve_stream, server_end)
        await wire.send("POST /__admin/jobs HTTP/1.1\nHost: m\nContent-Length: 12\n\n{}")
        await wire.close()
    assert len(mock.world) == 0
    assert not mock.crashes


@in_virtual_time
async def test_a_mock_without_admin_routes() -> None:
    """With `admin=False` there are no admin routes."""
    async with client_of(MockLegnext(admin=False)) as client:
        for path in ("/__admin/", "/__admin/state", "/__admin/truth"):
            assert (await client.get(path)).status_code == 404


def test_the_table_in_the_docs_is_complete() -> None:
    """The page has exactly the operations there are."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    documented = {tuple(row.split("`")[1].split()) for row in rows if "/__admin" in row}
    assert documented == {(op.method, "/__admin" + op.path) for op in OPERATIONS}
