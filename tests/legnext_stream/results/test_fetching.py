"""The download of one result: retries, resuming, starting again, checks, and giving up."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trio

from legnext_stream import DownloadError, Job
from legnext_stream._core.results.resuming import Mark
from legnext_stream._results.part import Part
from mockserver._files import content_of
from tests.legnext_stream.results.support import (
    ETAG,
    PNG,
    URL,
    cut,
    host,
    in_pieces,
    job,
    names,
    rest,
    saver,
    whole,
)
from tests.legnext_stream.support import HandMade


async def test_a_file(tmp_path: Path) -> None:
    """The file is on disk under its name, and nothing else."""
    (saved,) = await saver(host(whole()), tmp_path).save(job(f"{URL}?Signature=secret"))
    assert saved.path == tmp_path / "j-1.png"
    assert saved.path.read_bytes() == PNG
    assert (saved.size, saved.media_type, saved.was_there) == (len(PNG), "image/png", False)
    assert saved.url == URL
    assert names(tmp_path) == ["j-1.png"]


async def test_a_file_that_is_there(tmp_path: Path) -> None:
    """It isn't requested again."""
    answers = host(whole())
    (first,) = await saver(answers, tmp_path).save(job(URL))
    (again,) = await saver(answers, tmp_path).save(job(URL))
    assert again.was_there
    assert (again.path, again.size, again.media_type) == (first.path, first.size, first.media_type)
    assert len(answers.requests) == 1


async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    """The download fails at once, and not after a minute of attempts."""
    error = httpx.ConnectError("")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    answers = host(error, whole())
    with pytest.raises(DownloadError, match=r"self-signed.*SSL_CERT_FILE"):
        await saver(answers, tmp_path).save(job(URL))
    assert len(answers.requests) == 1


async def test_resumed(tmp_path: Path) -> None:
    """Bytes from before the connection broke aren't requested again."""
    said = f"bytes 5000-{len(PNG) - 1}/{len(PNG)}"
    broken = in_pieces(PNG[5000:6000], httpx.ReadError("gone"), code=206, content_range=said)
    answers = host(cut(5000), broken, rest(6000))
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG
    asked = [request.headers.get("range") for request in answers.requests]
    assert asked == [None, "bytes=5000-", "bytes=6000-"]
    assert answers.requests[1].headers["if-range"] == ETAG


async def test_resumed_by_a_later_process(tmp_path: Path) -> None:
    """The next call finds the part of an interrupted one."""
    with pytest.raises(DownloadError, match="gone"):
        await saver(host(cut(5000)), tmp_path, retry_for=0).save(job(URL))
    assert names(tmp_path) == ["j-1.part", "j-1.part.json"]
    answers = host(rest(5000))
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG
    assert answers.requests[0].headers["range"] == "bytes=5000-"
    assert names(tmp_path) == ["j-1.png"]


async def test_killed_before_the_rename(tmp_path: Path) -> None:
    """A complete part is renamed without a request."""
    with pytest.raises(DownloadError):
        await saver(host(cut(5000)), tmp_path, retry_for=0).save(job(URL))
    with (tmp_path / "j-1.part").open("ab") as file:
        file.write(PNG[5000:])
    answers = host()
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG
    assert not saved.was_there


@pytest.mark.parametrize(
    "answer",
    [
        in_pieces(PNG, content_length=str(len(PNG)), code=200),
        whole(etag='"other"'),
    ],
    ids=["no parts here", "another file by now"],
)
async def test_started_again(tmp_path: Path, answer: httpx.Response) -> None:
    """If the server sends the whole file, the part is replaced."""
    (saved,) = await saver(host(cut(5000), answer), tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG


@pytest.mark.parametrize(
    "answer",
    [
        rest(4000),
        in_pieces(PNG[5000:], code=206, content_range="bytes 5000-9999/10000"),
        in_pieces(PNG[5000:], code=206),
        httpx.Response(416, headers={"content-range": f"bytes */{len(PNG)}"}),
    ],
    ids=["from elsewhere", "of another file", "of who knows what", "no such part"],
)
async def test_a_part_that_does_not_fit(tmp_path: Path, answer: httpx.Response) -> None:
    """It is discarded together with the part, and the whole file is requested."""
    answers = host(cut(5000), answer, whole())
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG
    assert "range" not in answers.requests[2].headers


async def test_a_part_without_a_validator(tmp_path: Path) -> None:
    """Without a validator the rest may belong to another file, so the whole is requested."""
    answers = host(
        in_pieces(PNG[:500], httpx.ReadError(""), content_length=str(len(PNG)), etag="W/weak"),
        whole(),
    )
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG
    assert "range" not in answers.requests[1].headers


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(500, content=b"<html>"),
        httpx.Response(429),
        httpx.Response(408),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silent"),
        httpx.RemoteProtocolError("nonsense"),
        whole(b"", content_length="0"),
        whole(PNG[:-1]),
        in_pieces(PNG, b"x", content_length=str(len(PNG))),
        in_pieces(PNG[:-20], content_length=str(len(PNG))),
    ],
    ids=repr,
)
async def test_transient_trouble(tmp_path: Path, answer: httpx.Response | Exception) -> None:
    """Refusals, broken connections and truncated files are retried."""
    answers = host(answer, whole())
    before = trio.current_time()
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG
    assert names(tmp_path) == ["j-1.png"]
    # By the backoff of all retries.
    assert 0.25 <= trio.current_time() - before < 1


async def test_retry_after(tmp_path: Path) -> None:
    """Retry-After is obeyed."""
    answers = host(httpx.Response(503, headers={"retry-after": "20"}), whole())
    before = trio.current_time()
    await saver(answers, tmp_path).save(job(URL))
    assert 20 <= trio.current_time() - before < 21


async def test_given_up(tmp_path: Path) -> None:
    """It gives up after a time without new bytes; each new byte restarts the time."""
    pieces = [cut(0), cut(1000)]
    for place in range(1000, 5000, 1000):
        size = str(len(PNG))
        said = f"bytes {place}-{len(PNG) - 1}/{size}"
        broken = httpx.ReadError("gone")
        pieces.append(in_pieces(PNG[place : place + 1000], broken, code=206, content_range=said))
        pieces.append(httpx.Response(503, headers={"retry-after": "8"}))
    answers = host(*pieces, *(httpx.Response(503, headers={"retry-after": "4"}) for _ in range(9)))
    before = trio.current_time()
    with pytest.raises(DownloadError, match="answered 503") as failure:
        await saver(answers, tmp_path, retry_for=10).save(job(f"{URL}?Signature=secret"))
    error = failure.value
    assert 32 <= trio.current_time() - before < 45
    assert (error.job_id, error.url, error.status_code) == ("j", URL, 503)
    assert "secret" not in str(error)
    assert (tmp_path / "j-1.part").stat().st_size == 5000


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(400), "answered 400"),
        (httpx.Response(401), "answered 401"),
        (httpx.Response(403), "answered 403"),
        (httpx.Response(404), "answered 404"),
        (
            httpx.Response(302, headers={"location": "http://elsewhere/"}),
            "redirects to a URL that is refused",
        ),
        (whole(b"<html>", content_type="text/html"), "calls it 'text/html'"),
        (whole(b"<html>" * 20, content_type="image/png"), "neither image nor video"),
        (whole(PNG, content_type="video/mp4"), "it is image/png, but called 'video/mp4'"),
        (whole(PNG, content_encoding="br"), "compressed it"),
        (whole(PNG + b"x" * 20_000), "more than 20,000"),
        (in_pieces(PNG, PNG, transfer_encoding="chunked"), "more than 20,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_permanent_trouble(tmp_path: Path, answer: httpx.Response, why: str) -> None:
    """A retry can't help, so there is none, and nothing is left on disk."""
    before = trio.current_time()
    with pytest.raises(DownloadError, match=why):
        await saver(host(answer), tmp_path, max_size=20_000).save(job(URL))
    assert trio.current_time() == before
    assert names(tmp_path) == []


async def test_an_unknown_length(tmp_path: Path) -> None:
    """The end of a chunked body shows, and the file's own."""
    answer = in_pieces(PNG[:700], PNG[700:], transfer_encoding="chunked")
    (saved,) = await saver(host(answer), tmp_path).save(job(URL))
    assert saved.size == len(PNG)


async def test_a_length_that_is_known_later(tmp_path: Path) -> None:
    """A 206 answer has the size of the whole file."""
    first = in_pieces(PNG[:700], httpx.ReadError("gone"), transfer_encoding="chunked")
    (saved,) = await saver(host(first, rest(700)), tmp_path).save(job(URL))
    assert saved.path.read_bytes() == PNG


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("image/webp", "j-1.png"), ("", "j-1.png"), ("application/octet-stream", "j-1.png")],
)
async def test_the_suffix_follows_the_bytes(tmp_path: Path, content_type: str, name: str) -> None:
    """Neither the content type nor the URL decides the suffix."""
    answer = whole(PNG, content_type=content_type)
    (saved,) = await saver(host(answer), tmp_path).save(job("https://files.example/a.webp"))
    assert saved.path.name == name
    video = content_of("a", "0.mp4").body
    (film,) = await saver(host(whole(video)), tmp_path).save(job(URL, job_id="k"))
    assert (film.path.name, film.media_type) == ("k-1.mp4", "video/mp4")


@pytest.mark.parametrize(
    "url",
    ["http://files.example/a.png", "file:///etc/passwd", "../a.png", "https://u:p@files.example/a"],
)
async def test_urls_that_are_never_requested(tmp_path: Path, url: str) -> None:
    """Nothing is requested, and nothing written."""
    answers = host()
    with pytest.raises(DownloadError, match="its URL"):
        await saver(answers, tmp_path).save(job(url))
    assert not answers.requests
    assert names(tmp_path) == []


async def test_another_file_with_the_name(tmp_path: Path) -> None:
    """It isn't changed."""
    (tmp_path / "j-1.png").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="exists already"):
        await saver(host(), tmp_path).save(job(URL))
    assert (tmp_path / "j-1.png").read_bytes() == b"mine"


async def test_names_without_the_job_id(tmp_path: Path) -> None:
    """The file may be another batch's: the same bytes are kept, others are refused."""
    name = "{position}-{number}{suffix}"
    other = content_of("b", "0.png").body
    answers = host(whole(), whole(), whole(other))
    saving = saver(answers, tmp_path, name=name)
    assert [file.was_there for file in await saving.save(job(URL), position=3)] == [False]
    assert [file.was_there for file in await saving.save(job(URL), position=3)] == [True]
    with pytest.raises(DownloadError, match="with other content"):
        await saving.save(job(URL, job_id="k"), position=3)
    assert (tmp_path / "3-1.png").read_bytes() == PNG


@pytest.mark.parametrize("there", [PNG, PNG[:5000]], ids=["complete", "begun"])
async def test_a_part_of_another_file(tmp_path: Path, there: bytes) -> None:
    """If names don't contain the job id, another job's part is discarded."""
    part = Part.claim(tmp_path / "3-1.part")
    assert part is not None
    part.begin(Mark("https://files.example/other.png", ETAG, len(PNG)))
    part.append(there)
    part.close()
    body = content_of("b", "0.png").body
    answers = host(whole(body))
    saving = saver(answers, tmp_path, name="{position}-{number}")
    (saved,) = await saving.save(job(URL), position=3)
    assert saved.path.read_bytes() == body
    assert "range" not in answers.requests[0].headers


async def test_a_fresh_url_that_leads_elsewhere(tmp_path: Path) -> None:
    """Bytes from two URLs aren't mixed."""
    fresh = "https://files.example/new.png"
    answers = host(cut(5000), httpx.Response(403), whole())

    async def get_job(_job_id: str) -> Job:
        await trio.lowlevel.checkpoint()
        return job(fresh)

    (saved,) = await saver(answers, tmp_path, get_job=get_job).save(job(URL))
    assert (saved.url, saved.path.read_bytes()) == (fresh, PNG)
    assert "range" not in answers.requests[2].headers


async def test_a_file_that_is_cut_each_time(tmp_path: Path) -> None:
    """The same bytes again are no progress, so the download ends even without a timeout."""
    answers = HandMade(lambda _: whole(PNG[:9000]))
    with pytest.raises(DownloadError, match="its end is missing"):
        await saver(answers, tmp_path, retry_for=30, timeout=None).save(job(URL))
    assert 20 < trio.current_time() < 35
    assert names(tmp_path) == []


async def test_two_at_the_same_file(tmp_path: Path) -> None:
    """The second waits, and keeps the file of the first."""
    part = Part.claim(tmp_path / "j-1.part")
    assert part is not None
    answers = host(whole())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(saver(answers, tmp_path).save, job(URL))
        await trio.sleep(10)
        assert not answers.requests
        part.close()
        await trio.sleep(20)
    (saved,) = await saver(answers, tmp_path).save(job(URL))
    assert saved.was_there


async def test_two_at_the_same_file_for_too_long(tmp_path: Path) -> None:
    """The part of another download is never touched."""
    part = Part.claim(tmp_path / "j-1.part")
    assert part is not None
    with pytest.raises(DownloadError, match="another download of it is running"):
        await saver(host(), tmp_path, retry_for=5).save(job(URL))
    part.close()


async def test_completed_by_another_in_the_meantime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that appears while its part is being claimed is kept, and the part is removed."""
    claim = Part.claim

    def late(path: Path) -> Part | None:
        (tmp_path / "j-1.png").write_bytes(PNG)
        return claim(path)

    monkeypatch.setattr(Part, "claim", late)
    (saved,) = await saver(host(), tmp_path).save(job(URL))
    assert saved.was_there
    assert names(tmp_path) == ["j-1.png"]


async def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the reason, and the connection and the file are closed."""

    def full(_part: Part, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Part, "append", full)
    with pytest.raises(DownloadError, match="No space left on device") as failure:
        await saver(host(in_pieces(PNG, content_length=str(len(PNG)))), tmp_path).save(job(URL))
    assert isinstance(failure.value.__cause__, OSError)


async def test_cancelled(tmp_path: Path) -> None:
    """The part is kept, and the next call resumes it."""

    async def slowly(_request: httpx.Request) -> httpx.Response:
        await trio.lowlevel.checkpoint()
        return httpx.Response(200, stream=Slow(), headers={"etag": ETAG, "content-length": "12420"})

    class Slow(httpx.AsyncByteStream):
        """A body whose second half is delayed."""

        async def __aiter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - httpx's
            yield PNG[:6000]
            await trio.sleep_forever()

    answers = host()
    answers.handle = slowly
    with trio.move_on_after(5) as scope:
        await saver(answers, tmp_path).save(job(URL))
    assert scope.cancelled_caught
    assert (tmp_path / "j-1.part").read_bytes() == PNG[:6000]
    again = host(rest(6000))
    await saver(again, tmp_path).save(job(URL))
    assert again.requests[0].headers["range"] == "bytes=6000-"


async def test_it_took_too_long(tmp_path: Path) -> None:
    """The timeout applies even while bytes arrive."""

    class Endless(httpx.AsyncByteStream):
        """A body that arrives byte by byte."""

        async def __aiter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - httpx's
            while True:
                await trio.sleep(1)
                yield b"x"

    answer = httpx.Response(200, stream=Endless(), headers={"transfer-encoding": "chunked"})
    with pytest.raises(DownloadError, match="took longer than 30 s"):
        await saver(host(answer), tmp_path, timeout=30).save(job(URL))
    assert trio.current_time() >= 30
