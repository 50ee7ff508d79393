"""`LegnextClient.download` against the mock, from a job to its files."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import trio

from legnext_stream import (
    ConfigurationError,
    DownloadError,
    LegnextClient,
    NotFoundError,
)
from mockserver import (
    Bandwidth,
    Close,
    Delay,
    EmptyOutput,
    MockLegnext,
    Quirks,
    Reset,
    Script,
    Status,
    Truncated,
    WrongContentType,
)
from mockserver._faults import Fault
from mockserver._files import content_of
from tests.legnext_stream.results.support import names
from tests.legnext_stream.support import KEY, Left, mock_network

COMPLETED = Script(["completed"])
API = "https://api.legnext.ai"


def client_of(mock: MockLegnext) -> LegnextClient:
    """A client of this mock, by https."""
    return LegnextClient(KEY, API, mock.transport(), retry_for=30)


async def test_from_a_job_to_its_files(tmp_path: Path) -> None:
    """A watched job is saved; the second time nothing is requested."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        job = await client.wait(mock.add_job())
        saved = await client.download(job, tmp_path)
        assert [file.path.name for file in saved] == [
            f"{job.job_id}-{number}.png" for number in range(1, 5)
        ]
        for number, file in enumerate(saved):
            content = content_of(job.job_id, f"{number}.png")
            assert file.path.read_bytes() == content.body
            assert (file.size, file.media_type) == (len(content.body), "image/png")
        again = await client.download(job.job_id, str(tmp_path))
        assert [file.was_there for file in again] == [True] * 4
    assert mock.requests.count(route="file") == 4
    assert names(tmp_path) == [file.path.name for file in saved]


@pytest.mark.parametrize(
    ("task", "files"),
    [("video-diffusion", 4), ("video-upscale", 1), ("upscale", 1), ("describe", 0)],
)
async def test_all_kinds_of_jobs(tmp_path: Path, task: str, files: int) -> None:
    """Videos and images are saved with their suffixes; texts have no files."""
    mock = MockLegnext()
    job_id = mock.add_job(COMPLETED, task)
    async with client_of(mock) as client:
        saved = await client.download(job_id, tmp_path, name="{task_type} {job_id} {number}")
    suffix = ".mp4" if "video" in task else ".png"
    assert [file.path.name for file in saved] == [
        f"{task} {job_id} {number}{suffix}" for number in range(1, files + 1)
    ]


async def test_the_grid(tmp_path: Path) -> None:
    """The grid is the last file, if it is wanted."""
    mock = MockLegnext()
    job_id = mock.add_job(COMPLETED)
    async with client_of(mock) as client:
        saved = await client.download(job_id, tmp_path, grid=True)
    assert saved[-1].path.read_bytes() == content_of(job_id, "grid.png").body
    assert len(saved) == 5


@pytest.mark.parametrize(
    "fault",
    [
        Status(503),
        Status(429, headers={"Retry-After": "5"}),
        Close(after_bytes=6000),
        Reset(after_bytes=3000),
        Close(),
        Truncated(0.5),
    ],
    ids=repr,
)
async def test_transient_trouble(tmp_path: Path, fault: Fault) -> None:
    """Every other request fails, and all files are complete in the end."""
    mock = MockLegnext()
    mock.faults.add(fault, route="file", probability=0.5)
    ids = [mock.add_job(COMPLETED) for _ in range(5)]
    async with client_of(mock) as client:
        for job_id in ids:
            saved = await client.download(job_id, tmp_path)
            for number, file in enumerate(saved):
                assert file.path.read_bytes() == content_of(job_id, f"{number}.png").body
    assert len(names(tmp_path)) == 20
    assert mock.requests.count(route="file") > 20


async def test_an_interrupted_download_resumes(tmp_path: Path) -> None:
    """The rest arrives in a 206; no byte is sent twice."""
    mock = MockLegnext()
    mock.faults.add(Close(after_bytes=8000), route="file", nth=1)
    job_id = mock.add_job(COMPLETED, "upscale")
    async with client_of(mock) as client:
        (saved,) = await client.download(job_id, tmp_path)
    assert saved.path.read_bytes() == content_of(job_id, "0.png").body
    assert [record.status_code for record in mock.requests if record.route != "job"][-2:] == [
        200,
        206,
    ]


async def test_a_page_is_no_result(tmp_path: Path) -> None:
    """An HTML page instead of an image is refused at once."""
    mock = MockLegnext()
    mock.faults.add(WrongContentType(), route="file")
    async with client_of(mock) as client:
        with pytest.raises(DownloadError, match="text/html"):
            await client.download(mock.add_job(COMPLETED, "upscale"), tmp_path)
    assert mock.requests.count(route="file") == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize(("parallel", "at_once"), [(1, 1), (3, 3), (9, 4)])
async def test_parallel_downloads(tmp_path: Path, parallel: int, at_once: int) -> None:
    """The host sees `parallel` downloads at the same time, or as many as there are."""
    mock = MockLegnext()
    mock.faults.add(Delay(1.0), route="file")
    async with client_of(mock) as client:
        await client.download(mock.add_job(COMPLETED), tmp_path, parallel=parallel)
    assert mock.requests.select(route="file").most_at_once() == at_once


async def test_slowly(tmp_path: Path) -> None:
    """A slow host is no error."""
    mock = MockLegnext()
    mock.faults.add(Bandwidth(1000.0), route="file")
    job_id = mock.add_job(COMPLETED)
    async with client_of(mock) as client:
        started = trio.current_time()
        await client.download(job_id, tmp_path, parallel=2)
        size = len(content_of(job_id, "0.png").body)
        assert trio.current_time() - started == pytest.approx(2 * size / 1000, rel=0.05)


async def test_too_slowly(tmp_path: Path) -> None:
    """After the timeout the part is kept, and resumed by the next call."""
    mock = MockLegnext()
    slow = mock.faults.add(Bandwidth(1000.0), route="file")
    job_id = mock.add_job(COMPLETED, "upscale")
    async with client_of(mock) as client:
        with pytest.raises(DownloadError, match="longer than 5 s"):
            await client.download(job_id, tmp_path, timeout=5)
        mock.faults.remove(slow)
        await client.download(job_id, tmp_path)
    assert 0 < mock.requests.count(status_code=206) == 1


async def test_cancelled(tmp_path: Path) -> None:
    """Only the part is left: no task, connection or descriptor."""
    mock = MockLegnext()
    mock.faults.add(Bandwidth(1000.0), route="file")
    job_id = mock.add_job(COMPLETED)
    network = mock_network(mock)
    left = await Left.before()
    async with LegnextClient(KEY, API, network.transport()) as client:
        with trio.move_on_after(5) as scope:
            await client.download(job_id, tmp_path)
        assert scope.cancelled_caught
    await left.check(network, mock)
    parts = [tmp_path / name for name in names(tmp_path) if name.endswith(".part")]
    assert len(parts) == 4
    assert all(path.stat().st_size > 3000 for path in parts)


def test_over_sockets(tmp_path: Path) -> None:
    """In real time, from a mock on this machine, where plain http is allowed, in threads."""
    mock = MockLegnext()
    mock.faults.add(Close(after_bytes=9000), route="file", nth=2)

    async def check() -> None:
        job_id = mock.add_job(COMPLETED)
        async with mock.serve() as url, LegnextClient(KEY, url) as client:
            saved = await client.download(job_id, tmp_path)
        for number, file in enumerate(saved):
            assert file.path.read_bytes() == content_of(job_id, f"{number}.png").body
            assert file.url == f"{url}/files/{job_id}/{number}.png"

    trio.run(check)
    assert mock.requests.count(status_code=206) == 1


async def test_the_key_goes_to_the_api_alone(tmp_path: Path) -> None:
    """The key isn't sent to the file host, nor written to a log or file."""
    seen: dict[str, set[str]] = {}
    mock = MockLegnext()
    app = mock.app

    async def looking(scope, receive, send) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - ASGI's
        headers = dict(scope["headers"])
        seen.setdefault(headers[b"host"].decode(), set()).update(
            value.decode() for value in headers.values()
        )
        await app(scope, receive, send)

    mock.app = looking
    mock.faults.add(Close(after_bytes=5000), route="file", nth=1)
    async with client_of(mock) as client:
        await client.download(mock.add_job(COMPLETED), tmp_path)
    assert KEY in seen["api.legnext.ai"]
    assert not any(KEY in value for value in seen["images.legnext.example"])


async def test_urls_that_expire(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A warning comes while they work, and an error with the reason afterwards."""
    mock = MockLegnext(quirks=Quirks(urls_expire_after=600))
    job_id = mock.add_job(COMPLETED)
    async with client_of(mock) as client:
        job = await client.get_job(job_id)
        await client.download(job, tmp_path)
        (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert record.getMessage().startswith(
            f"job {job_id}: the URLs of its results expire in 600 s"
        )
        await trio.sleep(600)
        asked = mock.requests.count(route="job")
        with pytest.raises(DownloadError, match="its URL has expired") as failure:
            await client.download(job, tmp_path / "again")
        assert len(failure.value.__notes__) == 3
        assert mock.requests.count(route="job") == asked + 1


async def test_files_that_have_vanished(tmp_path: Path) -> None:
    """Files below `/temp/` are gone after a day."""
    mock = MockLegnext(quirks=Quirks(temporary_urls=True))
    job_id = mock.add_job(COMPLETED, "upscale")
    async with client_of(mock) as client:
        await trio.sleep(86400)
        with pytest.raises(DownloadError, match="404") as failure:
            await client.download(job_id, tmp_path)
    assert failure.value.status_code == 404


async def test_jobs_that_can_not_be_downloaded(tmp_path: Path) -> None:
    """Unfinished jobs, unknown jobs, and jobs without results are errors."""
    mock = MockLegnext()
    mock.faults.add(EmptyOutput(), job="empty")
    async with client_of(mock) as client:
        with pytest.raises(DownloadError, match="only a completed job has results"):
            await client.download(mock.add_job(Script(["processing"])), tmp_path)
        with pytest.raises(NotFoundError):
            await client.download("unknown", tmp_path)
        mock.add_job(COMPLETED, job_id="empty")
        with pytest.raises(DownloadError, match="names no result"):
            await client.download("empty", tmp_path)
        with pytest.raises(ValueError, match="collide"):
            await client.download("unknown", tmp_path, name="{job_id}")


async def test_a_client_that_is_not_open(tmp_path: Path) -> None:
    """The error comes before any request or write."""
    mock = MockLegnext()
    client = client_of(mock)
    async with client:
        job = await client.get_job(mock.add_job(COMPLETED))
    for wanted in (job, job.job_id):
        with pytest.raises(ConfigurationError, match="not open"):
            await client.download(wanted, tmp_path / "out")
    assert names(tmp_path) == []
