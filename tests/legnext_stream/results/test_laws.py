"""Properties of downloads: the result is a complete file or a `DownloadError`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import httpx
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import DownloadError, LegnextClient
from mockserver import Close, MockLegnext, Reset, Script, Truncated, run_virtual
from mockserver._faults import Fault
from mockserver._files import content_of
from tests.effort import examples
from tests.legnext_stream.results.support import URL, Body, job, names, saver
from tests.legnext_stream.support import HandMade

faults: st.SearchStrategy[Fault] = st.one_of(
    st.builds(Close, after_bytes=st.integers(0, 13_000)),
    st.builds(Reset, after_bytes=st.integers(0, 13_000)),
    st.builds(Truncated, st.floats(0, 0.99)),
)


@given(st.lists(faults, max_size=6))
@examples(40)
def test_any_number_of_cuts(cuts: list[Fault]) -> None:
    """Wherever connections break, and even with wrong lengths, the file is complete in the end."""
    mock = MockLegnext()
    for number, fault in enumerate(cuts, 1):
        mock.faults.add(fault, route="file", nth=number)
    job_id = mock.add_job(Script(["completed"]), "upscale")

    async def check() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with LegnextClient("key", transport=mock.transport()) as client:
                (saved,) = await client.download(job_id, folder)
            assert saved.path.read_bytes() == content_of(job_id, "0.png").body
            assert names(Path(folder)) == [f"{job_id}-1.png"]

    run_virtual(check)
    assert mock.requests.count(route="file") <= len(cuts) + 1
    assert not mock.crashes


GIF = b"GIF89a" + b"G" * 100 + b";"

values = st.one_of(
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])),
    st.sampled_from(
        [
            "bytes 0-9/10",
            "bytes 50-106/107",
            "chunked",
            "gzip",
            str(len(GIF)),
            "image/gif",
            '"e"',
            "https:",
        ]
    ),
    st.integers(-1, 20_000).map(str),
)
NAMES = (
    b"content-length",
    b"content-range",
    b"content-type",
    b"content-encoding",
    b"etag",
    b"last-modified",
    b"location",
    b"date",
    b"retry-after",
)
# Most answers have a visible end, or few would bring any bytes.
USUAL = {b"transfer-encoding": b"chunked", b"etag": b'"e"', b"location": b"/other"}
answers = st.tuples(
    st.sampled_from([*[200] * 9, *[206] * 6, 302, 403, 416, 503, 599]) | st.integers(200, 599),
    st.dictionaries(
        st.sampled_from(NAMES), values.map(lambda value: value.encode("latin-1")), max_size=2
    ).map(USUAL.__or__),
    st.sampled_from([[GIF], [GIF[:50], GIF[50:]], [GIF[:50]], [GIF[50:]]])
    | st.lists(st.binary(max_size=20), max_size=3),
)


@given(st.lists(answers, min_size=1, max_size=4), st.just("?a=b") | st.text())
@examples(150)
def test_any_answers(
    given_answers: list[tuple[int, dict[bytes, bytes], list[bytes]]], path: str
) -> None:
    """Whatever a host answers, only complete files are named, and only `DownloadError` is raised."""
    left = list(given_answers)

    def handle(_request: httpx.Request) -> httpx.Response:
        if not left:
            return httpx.Response(404)
        code, headers, pieces = left.pop(0)
        return httpx.Response(code, headers=headers, stream=Body(pieces))

    async def check() -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            saving = saver(HandMade(handle), folder, max_size=15_000, retry_for=100)
            try:
                (saved,) = await saving.save(job(URL + path))
            except DownloadError:
                assert not [left for left in names(folder) if not left.startswith("j-1.part")]
            else:
                assert names(folder) == ["j-1.gif"]
                assert saved.path.read_bytes().endswith(b";")

    run_virtual(check)
