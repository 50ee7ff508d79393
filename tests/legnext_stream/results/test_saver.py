"""All results of a job: their order, concurrency, and failures."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest
import trio
import trio.testing

from legnext_stream import DownloadError, InvalidJobId, Job, JobNotFound, JobStatus, Output
from legnext_stream._core.model.prompts import Prompt
from mockserver._files import content_of
from tests.legnext_stream.results.support import PNG, URL, host, in_pieces, job, names, saver, whole
from tests.legnext_stream.support import HandMade

FOUR = tuple(f"https://files.example/{number}.png" for number in range(4))


class Store:
    """A host of files by path, which counts concurrent requests.

    Args:
        seconds: How long each request takes.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._under_way = 0
        self.most_at_once = 0
        self.transport = HandMade(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        await trio.sleep(self._seconds)
        self._under_way -= 1
        if "missing" in request.url.path:
            return httpx.Response(404)
        return whole(content_of("a", request.url.path[1:]).body)


async def test_all_results_in_their_order(tmp_path: Path) -> None:
    """They are numbered from 1 in the API's order, in a folder that is created."""
    folder = tmp_path / "new" / "out"
    saved = await saver(Store().transport, folder).save(job(*FOUR))
    assert [file.path.name for file in saved] == [f"j-{number}.png" for number in range(1, 5)]
    assert [file.url for file in saved] == list(FOUR)
    assert [file.path.read_bytes() for file in saved] == [
        content_of("a", f"{number}.png").body for number in range(4)
    ]


async def test_names(tmp_path: Path) -> None:
    """The prompt, tag and position can be in the names."""
    saving = saver(
        Store().transport, tmp_path, name="{position:03} {prompt} {tag} {job_id} {number}"
    )
    (saved,) = await saving.save(job(FOUR[0]), Prompt("A fox!", tag={"row": 7}), position=12)
    assert saved.path.name == "012 a-fox row-7 j 1.png"
    (other,) = await saver(Store().transport, tmp_path, name="{tag}{job_id}-{number}").save(
        job(FOUR[1])
    )
    assert other.path.name == "j-1.png"


async def test_parallel_downloads(tmp_path: Path) -> None:
    """The limit is for all jobs of a saver."""
    store = Store(seconds=1)
    saving = saver(store.transport, tmp_path, parallel=3)
    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(saving.save, job(*FOUR, job_id=f"j{number}"))
    assert store.most_at_once == 3
    assert trio.current_time() == pytest.approx(4)
    assert len(names(tmp_path)) == 12


async def test_one_failure_loses_no_other_file(tmp_path: Path) -> None:
    """The others are saved; the first failure is raised, with the others as notes."""
    urls = [FOUR[0], "https://files.example/missing-1", FOUR[2], "https://files.example/missing-2"]
    with pytest.raises(DownloadError, match=r"result 2 of job j.*404") as failure:
        await saver(Store().transport, tmp_path).save(job(*urls))
    assert failure.value.url == urls[1]
    (note,) = failure.value.__notes__
    assert "result 4 of job j" in note
    assert names(tmp_path) == ["j-1.png", "j-3.png"]


async def test_the_grid(tmp_path: Path) -> None:
    """It is saved if wanted, or if it is the only result."""
    grid = "https://files.example/grid.png"
    both = Job(
        job_id="j",
        status=JobStatus.COMPLETED,
        output=Output(image_url=grid, image_urls=FOUR[:1]),
    )
    alone = Job(job_id="k", status=JobStatus.COMPLETED, output=Output(image_url=grid))
    store = Store()
    assert len(await saver(store.transport, tmp_path / "a").save(both)) == 1
    with_grid = await saver(store.transport, tmp_path / "b", grid=True).save(both)
    assert [file.url for file in with_grid] == [FOUR[0], grid]
    assert [file.url for file in await saver(store.transport, tmp_path).save(alone)] == [grid]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (job(URL, status=JobStatus.PROCESSING), "it is processing; only a completed job"),
        (job(URL, status=JobStatus.FAILED), "it is failed"),
        (job(), "names no result"),
        (job(*FOUR * 20), "names 80 results"),
        (job(URL, job_id="a" * 128), "longer than a file system accepts"),
    ],
    ids=["unfinished", "failed", "nothing", "too many", "a long id"],
)
async def test_jobs_without_results(tmp_path: Path, wrong: Job, why: str) -> None:
    """The error has the reason, and nothing is requested."""
    name = "{job_id}-{job_id}-{number}"
    with pytest.raises(DownloadError, match=why) as failure:
        await saver(host(), tmp_path, name=name).save(wrong)
    assert (failure.value.job_id, failure.value.url) == (wrong.job_id, "")


async def test_a_job_whose_result_is_text(tmp_path: Path) -> None:
    """There are no files, and no error."""
    described = Job(
        job_id="j", status=JobStatus.COMPLETED, output=Output(texts={"prompts": ("a fox",)})
    )
    assert await saver(host(), tmp_path / "out").save(described) == ()


async def test_ids_that_lead_elsewhere(tmp_path: Path) -> None:
    """An invalid id is refused."""
    with pytest.raises(InvalidJobId):
        await saver(host(), tmp_path).save(job(URL, job_id="../up"))


async def test_a_position_that_is_not_known(tmp_path: Path) -> None:
    """A template that needs a position is a ValueError, not a DownloadError."""
    with pytest.raises(ValueError, match="position"):
        await saver(host(), tmp_path, name="{position}-{number}").save(job(URL))


async def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    """The error has the reason."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="can't be created"):
        await saver(host(), tmp_path / "file" / "out").save(job(URL))


@pytest.mark.parametrize(
    "settings",
    [
        {"parallel": 0},
        {"max_size": 0},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"name": "{job_id}"},
    ],
    ids=repr,
)
def test_settings_out_of_range(tmp_path: Path, settings: dict[str, object]) -> None:
    """They are refused at once."""
    with pytest.raises(ValueError, match=r".+"):
        saver(host(), tmp_path, **settings)


async def test_as_long_as_bytes_come(tmp_path: Path) -> None:
    """Without a timeout, only silence ends the download."""
    (saved,) = await saver(host(whole()), tmp_path, timeout=None).save(job(URL))
    assert saved.size == len(PNG)


# ---------------------------------------------------------------- URLs that don't last

OLD = f"{URL}?Expires=1000&Signature=old"
FRESH = f"{URL}?Expires=9000&Signature=new"
THEN = "Thu, 01 Jan 1970 01:00:00 GMT"  # 3,600 s


class Api:
    """Returns a job, and counts the calls."""

    def __init__(self, answer: Job | Exception) -> None:
        self._answer = answer
        self.asked = 0

    async def get_job(self, job_id: str) -> Job:
        """The job as it is now."""
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        assert job_id == self._answer.job_id
        return self._answer


def signed(request: httpx.Request) -> httpx.Response:
    """A host that accepts only fresh signatures."""
    if request.url.params.get("Signature") == "new":
        return whole(date=THEN)
    return httpx.Response(403, headers={"date": THEN})


async def test_fresh_urls_for_an_old_job(tmp_path: Path) -> None:
    """The API is called once for all results of a job."""
    api = Api(job(*[FRESH] * 4))
    saved = await saver(HandMade(signed), tmp_path, get_job=api.get_job).save(job(*[OLD] * 4))
    assert len(saved) == 4
    assert api.asked == 1


@pytest.mark.parametrize(
    ("api", "why"),
    [
        (None, "its URL has expired, and the host answered 403"),
        (Api(job(OLD)), "its URL has expired, and the host answered 403"),
        (Api(job()), "its URL has expired"),
        (Api(job(f"{URL}?Expires=2000")), "its URL has expired"),
        (Api(JobNotFound("it is gone", job())), "asking for a fresh one failed: it is gone"),
    ],
    ids=["nobody to ask", "the same again", "none any more", "expired too", "no answer"],
)
async def test_expired_for_good(tmp_path: Path, api: Api | None, why: str) -> None:
    """The error says that the URL has expired."""
    get_job = None if api is None else api.get_job
    with pytest.raises(DownloadError, match=why) as failure:
        await saver(HandMade(signed), tmp_path, get_job=get_job).save(job(OLD))
    assert failure.value.status_code == 403
    assert failure.value.url == URL
    assert api is None or api.asked == 1
    assert "Signature" not in str(failure.value)


async def test_a_host_without_a_date(tmp_path: Path) -> None:
    """This machine's clock decides whether it has expired."""
    with pytest.raises(DownloadError, match="expired"):
        await saver(host(httpx.Response(410)), tmp_path).save(job(OLD))


async def test_urls_about_to_expire_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """There is one warning for a job, by the host's clock, without the signature."""
    soon = [f"{url}?Expires=3700&Signature=secret" for url in FOUR]
    answers = host(*(whole(date=THEN) for _ in FOUR))
    await saver(answers, tmp_path).save(job(*soon))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("legnext_stream", logging.WARNING)
    assert record.getMessage() == "job j: the URLs of its results expire in 100 s"


async def test_temporary_urls_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Files below `/temp/` are gone within a day, whatever the query says."""
    await saver(host(whole()), tmp_path).save(job("https://files.example/temp/0.png"))
    assert "/temp/" in caplog.text


async def test_lasting_urls_are_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A URL that works for a week gets no warning."""
    await saver(host(whole(date=THEN)), tmp_path).save(job(f"{URL}?Expires=608400"))
    assert not caplog.records


async def test_a_bug_is_not_hidden(tmp_path: Path) -> None:
    """An unexpected exception is raised by itself, unless there are several."""
    first = in_pieces(RuntimeError("a bug"), content_length="5")
    with pytest.raises(RuntimeError, match="a bug"):
        await saver(host(first), tmp_path).save(job(URL))
    signal = trio.Event()

    async def answer(_request: httpx.Request) -> httpx.Response:
        await signal.wait()
        raise RuntimeError("a bug each")

    async def give_signal() -> None:
        await trio.testing.wait_all_tasks_blocked()
        signal.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_signal)
        with pytest.RaisesGroup(RuntimeError, RuntimeError):
            await saver(HandMade(answer), tmp_path).save(job(URL, URL))
