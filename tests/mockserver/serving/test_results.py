"""Downloading result files."""

from __future__ import annotations

import anyio
import httpx
import pytest

from mockserver import (
    MockLegnext,
    Quirks,
    Script,
    Status,
    TokenBucket,
    Truncated,
    run_virtual,
)
from mockserver._api.outputs import RESULTS_HOST
from mockserver._files import content_of
from tests.mockserver.api.asking import COMPLETED, ask, look_up
from tests.mockserver.helpers import client_of


def urls_of(mock: MockLegnext, job_id: str) -> list[str]:
    """All URLs in a job's output."""
    output = look_up(mock, job_id)["output"]
    grid = [output["image_url"]] if "image_url" in output else []
    return [*grid, *(output.get("image_urls") or []), *(output.get("video_urls") or [])]


def download(mock: MockLegnext, url: str) -> httpx.Response:
    """The answer at a URL, without a key."""

    async def one() -> httpx.Response:
        async with httpx.AsyncClient(transport=mock.transport()) as client:
            return await client.get(url)

    return run_virtual(one)


@pytest.mark.parametrize(
    ("task", "media_type", "count"),
    [("diffusion", "image/png", 5), ("upscale", "image/png", 2), ("extend-video", "video/mp4", 4)],
)
@pytest.mark.parametrize(
    "quirks", [Quirks(), Quirks(urls_expire_after=60), Quirks(temporary_urls=True)], ids=repr
)
def test_every_result_can_be_had(task: str, media_type: str, count: int, quirks: Quirks) -> None:
    """Each URL of an output is a file of its type, without a key."""
    mock = MockLegnext(quirks=quirks, api_keys=["key"])
    urls = urls_of(mock, mock.add_job(COMPLETED, task, job_id="a b"))
    assert len(urls) == count
    for url in urls:
        answer = download(mock, url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert mock.requests.count(route="job") == 1
    assert mock.requests.count(route="file", job_id="a b") == count == len(mock.requests) - 1


def test_urls_expire() -> None:
    """A URL works until it expires; then it is a 403."""
    mock = MockLegnext(quirks=Quirks(urls_expire_after=100))

    async def three() -> list[int]:
        job_id = mock.add_job(Script([("processing", 10), "completed"]))
        async with client_of(mock) as client:
            await anyio.sleep(10)
            url = (await client.get(f"/api/v1/job/{job_id}")).json()["output"]["image_url"]
            statuses = []
            for wait in (0, 99, 1):
                await anyio.sleep(wait)
                statuses.append((await client.get(url)).status_code)
            return statuses

    assert run_virtual(three) == [200, 200, 403]


def test_what_there_is_not() -> None:
    """Files of unknown or unfinished jobs, and wrong names or signatures, are a 404."""
    mock = MockLegnext(quirks=Quirks(urls_expire_after=100))
    url = urls_of(mock, mock.add_job(COMPLETED, job_id="j"))[0]
    mock.add_job(Script(["pending"]), job_id="waits")
    assert download(mock, url).status_code == 200
    assert download(mock, f"{url}0").status_code == 404
    assert download(mock, url.replace("grid.png", "0.mp4")).status_code == 404
    for path in ("/", "/none/0.png", "/waits/0.png", "/j/0.png", "/j/9.png", "/temp/j/0.png"):
        assert download(mock, f"https://{RESULTS_HOST}{path}").status_code == 404


def test_other_hosts_are_the_api() -> None:
    """The same path on the API's host is a route that doesn't exist."""
    mock = MockLegnext()
    mock.add_job(COMPLETED, job_id="j")
    answer = ask(mock, "GET", "/j/grid.png")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_temporary_files_vanish() -> None:
    """A file under `/temp/` is a 404 after a day, or once its URL expires."""
    mock = MockLegnext(quirks=Quirks(temporary_urls=True))

    url = urls_of(mock, mock.add_job(COMPLETED))[0]
    assert "/temp/" in url

    async def two() -> list[int]:
        statuses = []
        async with client_of(mock) as client:
            for wait in (86399, 1):
                await anyio.sleep(wait)
                statuses.append((await client.get(url)).status_code)
        return statuses

    assert run_virtual(two) == [200, 404]


def test_a_part_and_then_the_rest() -> None:
    """An interrupted download can be resumed."""
    mock = MockLegnext()
    url = urls_of(mock, mock.add_job(COMPLETED))[0]

    async def ask_for(method: str = "GET", **headers: str) -> httpx.Response:
        async with client_of(mock) as client:
            return await client.request(method, url, headers=headers)

    whole = run_virtual(ask_for)
    size, etag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-length"] == str(size)
    rest = run_virtual(lambda: ask_for(**{"range": "bytes=1000-", "if-range": etag}))
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    assert rest.headers["etag"] == etag
    assert rest.content == whole.content[1000:]
    other = run_virtual(lambda: ask_for(**{"range": "bytes=1000-", "if-range": '"other"'}))
    assert (other.status_code, other.content) == (200, whole.content)
    none = run_virtual(lambda: ask_for(range=f"bytes={size}-"))
    assert (none.status_code, none.headers["content-range"]) == (416, f"bytes */{size}")
    head = run_virtual(lambda: ask_for("HEAD", range="bytes=1000-"))
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["etag"], head.headers["content-length"]) == (etag, str(size))


def test_faults_meet_files() -> None:
    """Rules for the route `file`, or for a job, apply to its files and to no others."""
    mock = MockLegnext(api_keys=["key"], limit=TokenBucket(rate=0.001, burst=2))
    mock.faults.add(Status(503), route="file", nth=1)
    mock.faults.add(Truncated(0.5), route="GET /files/{job_id}/{name}", nth=2)
    urls = urls_of(mock, mock.add_job(COMPLETED))
    answers = [download(mock, url) for url in (urls[0], urls[0], urls[0], *urls)]
    assert [answer.status_code for answer in answers] == [503, *[200] * 7]
    assert 2 * len(answers[1].content) == len(answers[2].content)
    assert mock.requests.count(route="file", status_code=503) == 1
    # Files count against no limit: this is only the account's second request.
    assert urls_of(mock, mock.add_job(COMPLETED))


async def test_over_sockets_files_lie_on_the_mock_itself() -> None:
    """Results are on the host by which the client reached the API."""
    mock = MockLegnext(quirks=Quirks(urls_expire_after=60), clock=lambda: 0.0)
    job_id = mock.add_job(COMPLETED)
    async with mock.serve() as base, httpx.AsyncClient(headers={"x-api-key": "any"}) as client:
        named = base.replace("127.0.0.1", "localhost")
        for url in (base, named):
            job = (await client.get(f"{url}/api/v1/job/{job_id}")).json()
            images = job["output"]["image_urls"]
            assert all(image.startswith(f"{url}/files/{job_id}/") for image in images)
            answer = await client.get(images[1])
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
            assert answer.content == content_of(job_id, "1.png").body
        strange = await client.get(f"{base}/api/v1/job/{job_id}", headers={"host": 'a"b'})
        assert strange.json()["output"]["image_url"].startswith("https://images.legnext.example/")
        assert (await client.get(f"{base}/files/{job_id}")).status_code == 404
        assert (await client.post(f"{base}/files/{job_id}/0.png")).status_code == 404


async def test_over_sockets_callbacks_say_so_too() -> None:
    """The URLs in webhooks lead to the same files."""
    mock = MockLegnext()
    told: list[str] = []
    url = "https://example.org/hook"
    mock.webhooks.receive(url, lambda message: told.append(message.json()["output"]["image_url"]))
    async with mock.serve() as base:
        mock.add_job(COMPLETED, callback=url)
        await mock.webhooks.drain()
    mock.add_job(COMPLETED, callback=url)
    await mock.webhooks.drain()
    assert told[0].startswith(f"{base}/files/")
    assert told[1].startswith("https://images.legnext.example/")
