"""Downloading what jobs have made."""

from __future__ import annotations

import struct
import zlib

import anyio
import httpx
import pytest

from mockserver import MockLegnext, Quirks, Script, run_virtual
from mockserver.api.outputs import RESULTS_HOST
from tests.mockserver.api.asking import COMPLETED, ask, look_up
from tests.mockserver.helpers import client_of


def urls_of(mock: MockLegnext, job_id: str) -> list[str]:
    """All URLs in a job's output."""
    output = look_up(mock, job_id)["output"]
    grid = [output["image_url"]] if "image_url" in output else []
    return [*grid, *(output.get("image_urls") or []), *(output.get("video_urls") or [])]


def download(mock: MockLegnext, url: str) -> httpx.Response:
    """What is at a URL, for somebody without a key."""

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
    """Each URL of an output leads to a file of its kind, without a key."""
    mock = MockLegnext(quirks=quirks, api_keys=["key"])
    urls = urls_of(mock, mock.add_job(COMPLETED, task, job_id="a b"))
    assert len(urls) == count
    for url in urls:
        answer = download(mock, url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert [record.path for record in mock.requests] == ["/api/v1/job/a%20b"]


def test_the_image_is_one() -> None:
    """The PNG's chunks are whole, and there is a pixel in it."""
    mock = MockLegnext()
    content = download(mock, urls_of(mock, mock.add_job(COMPLETED))[0]).content
    place, chunks = 8, {}
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind = content[place + 4 : place + 8]
        chunks[kind] = content[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, place + 8 + length)
        assert checksum == zlib.crc32(kind + chunks[kind])
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert len(zlib.decompress(chunks[b"IDAT"])) == 2


def test_urls_expire() -> None:
    """A URL is good until it expires, and then a 403."""
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
    """Files of no job, of an unfinished one, of another name or another signature are a 404."""
    mock = MockLegnext(quirks=Quirks(urls_expire_after=100))
    url = urls_of(mock, mock.add_job(COMPLETED, job_id="j"))[0]
    mock.add_job(Script(["pending"]), job_id="waits")
    assert download(mock, url).status_code == 200
    assert download(mock, f"{url}0").status_code == 404
    for path in ("/", "/none/0.png", "/waits/0.png", "/j/0.png", "/j/9.png", "/temp/j/0.png"):
        assert download(mock, f"https://{RESULTS_HOST}{path}").status_code == 404


def test_other_hosts_are_the_api() -> None:
    """The same path at the API is a route that there isn't."""
    mock = MockLegnext()
    mock.add_job(COMPLETED, job_id="j")
    answer = ask(mock, "GET", "/j/grid.png")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)
