"""The recording server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from mockserver import MockLegnext, Script
from mockserver._cli.recording import Forwarder, recording
from mockserver._cli.settings import UsageError
from mockserver._replay import read_transcript, replaying, scripts_of
from tests.mockserver.helpers import POST

KEY = {"x-api-key": "a-key-that-is-secret"}


async def test_what_passes_is_answered_and_written_down(tmp_path: Path) -> None:
    """The client gets the other server's answer; the transcript has both, without the key."""
    file = tmp_path / "night.jsonl"
    upstream = MockLegnext(api_keys=["a-key-that-is-secret"])
    job_id = upstream.add_job(Script(["completed"]))
    async with (
        upstream.serve() as url,
        recording(file, url)("127.0.0.1", 0) as recorded_at,
        httpx.AsyncClient(base_url=recorded_at, headers=KEY) as client,
    ):
        assert recorded_at != url
        job = await client.get(f"/api/v1/job/{job_id}?a=b")
        assert (job.status_code, job.json()["status"]) == (200, "completed")
        made = await client.post(POST, json={"text": "a lighthouse"})
        assert made.json()["status"] == "pending"
        refused = await client.get("/api/account/balance", headers={"x-api-key": "other-key-here"})
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/json"
    assert [record.status_code for record in upstream.requests] == [200, 200, 401]
    assert KEY["x-api-key"] not in file.read_text()
    transcript = read_transcript(file)
    assert [exchange.method for exchange in transcript.exchanges] == ["GET", "POST", "GET"]
    assert scripts_of(transcript)[job_id].steps[-1].status == "completed"
    assert job_id in replaying(transcript).world


async def test_where_nobody_answers_the_client_is_told(tmp_path: Path) -> None:
    """If the other server isn't available, the answer is 502 with the reason."""
    file = tmp_path / "night.jsonl"
    async with (
        recording(file, "http://127.0.0.1:9")("127.0.0.1", 0) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        answer = await client.get("/api/account/balance")
    assert answer.status_code == 502
    assert answer.text.startswith("127.0.0.1: ConnectError")
    assert read_transcript(file).exchanges[0].error == "ConnectError"


async def test_a_client_that_leaves_early_asks_nothing() -> None:
    """A request whose body is incomplete isn't forwarded."""

    async def hung_up() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"type": "http.disconnect"}

    async def nothing(_message: object) -> None:
        raise AssertionError("there is nobody to answer")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    async with httpx.AsyncClient() as client:
        await Forwarder(client)(scope, hung_up, nothing)


@pytest.mark.parametrize("upstream", ["api.legnext.ai", "ftp://a", "http://a:port", "http://"])
def test_where_to_has_to_be_a_url(tmp_path: Path, upstream: str) -> None:
    """An invalid URL is refused before the file is created."""
    with pytest.raises(UsageError, match="--upstream"):
        recording(tmp_path / "night.jsonl", upstream)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "url"),
    [
        (b"/a%2Fb", "https://api.example/base/a%2Fb"),
        (b"/a?c=d", "https://api.example/base/a?c=d"),
        (b"//evil.example/x", "https://api.example/base/evil.example/x"),
        (b"http://evil.example/x", "https://api.example/base/http://evil.example/x"),
        (None, "https://api.example/base/a%20b"),
    ],
)
async def test_no_target_leads_to_another_host(target: bytes | None, url: str) -> None:
    """Any request target goes to the one server, below its path."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(204, stream=httpx.ByteStream(b""))

    async def nothing() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"type": "http.request", "body": b""}

    sent: list[Any] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        await trio.lowlevel.checkpoint()
        sent.append(message)

    path, _, query = (target or b"").partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/a b",
        "headers": [(b"host", b"evil.example"), (b"x-api-key", b"k")],
        "query_string": query,
    }
    if target is not None:
        scope["raw_path"] = path
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example/base") as to:
        await Forwarder(to)(scope, nothing, send)
    assert seen == [url]
    assert sent[0]["status"] == 204


async def test_a_crash_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of the recording server itself are printed to standard error."""

    async def crash(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    monkeypatch.setattr(Forwarder, "__call__", crash)
    async with (
        recording(tmp_path / "night.jsonl", "http://127.0.0.1:9")("127.0.0.1", 0) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        assert (await client.get("/")).status_code == 500
    expected = "legnext-mock: a request could not be forwarded: ZeroDivisionError()\n"
    assert capsys.readouterr().err == expected
