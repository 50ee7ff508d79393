"""One result on its way to disk: asked for until it is whole, gone on with where that is possible."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import msgspec
import trio

from legnext_stream._core import backoff
from legnext_stream._core.answers import Answer, DownloadMeaning, NoReply, Reply, meaning_of
from legnext_stream._core.model.saved import SavedFile
from legnext_stream._core.pace.hints import parse_hints, parse_http_date
from legnext_stream._core.results.file_types import HEAD, Kind, kind_of
from legnext_stream._core.results.resuming import Unusable, range_headers, read_head
from legnext_stream._core.results.urls import has_expired, without_query
from legnext_stream._http.files import Files, RefusedUrlError, Sink
from legnext_stream._results.part import OtherFileError, Part, find_whole
from legnext_stream._util.threads import off_the_event_path
from legnext_stream.errors import DownloadError, LegnextError

_BRINGS_FILE = frozenset({DownloadMeaning.WHOLE, DownloadMeaning.PART})


@attrs.frozen(kw_only=True)
class Terms:
    """On what terms results are fetched.

    Attributes:
        max_size: How long one may be, bytes.
        retry_for: How long it is asked for again while nothing more comes, seconds.
        keeps: Whether a file of the right name is the right file, so that it needn't be asked for.
    """

    max_size: int
    retry_for: float
    keeps: bool


class Fetching:
    """One result, until it is on disk.

    Args:
        files: What asks for it.
        terms: On what terms.
        job_id: Its job.
        number: Which of the job's results it is, from 1.
        url: Where it is.
        folder: Where it goes.
        stem: What it is called there, without its suffix.
        renewed: Gives its URL anew, or None if that can't be had.
        on_answer: Is told of each URL that leads to a file, and of the time there, seconds since 1970.
    """

    def __init__(
        self,
        files: Files,
        terms: Terms,
        *,
        job_id: str,
        number: int,
        url: str,
        folder: Path,
        stem: str,
        renewed: Callable[[int], Awaitable[str | None]],
        on_answer: Callable[[str, float], None],
    ) -> None:
        self._files = files
        self._terms = terms
        self._job_id = job_id
        self._number = number
        self._url: str = url
        self._folder = folder
        self._stem = stem
        self._part_path = folder / f"{stem}.part"
        self._renewed = renewed
        self._on_answer = on_answer
        self._is_renewed = False
        self._give_up_at = 0.0
        self._attempt = 0
        self._furthest = 0

    async def run(self) -> SavedFile:
        """Have it on disk.

        Raises:
            DownloadError: It can't be had, is none, or can't be written.
        """
        try:
            return await self._run()
        except OtherFileError as other:
            raise self.failed(str(other)) from None
        except OSError as error:
            raise self.failed(f"it can't be kept on disk: {error}") from error

    def failed(self, problem: str, status_code: int | None = None) -> DownloadError:
        """The error that says why it can't be had."""
        shown = without_query(self._url)
        return DownloadError(
            f"result {self._number} of job {self._job_id}: {problem} ({shown[:300]})",
            job_id=self._job_id,
            url=shown,
            status_code=status_code,
        )

    async def _run(self) -> SavedFile:
        self._has_progress(0)
        while (kept := await self._kept()) is None:
            part = await off_the_event_path(lambda: Part.claim(self._part_path))
            if part is not None:
                return await self._complete(part)
            busy = Unusable("another download of it is under way", is_final=False)
            await self._again(busy)
        return kept

    async def _kept(self) -> SavedFile | None:
        """What is there already, if its name says whose it is."""
        if not self._terms.keeps:
            return None
        found = await off_the_event_path(lambda: find_whole(self._folder, self._stem))
        return None if found is None else self._saved(*found, was_there=True)

    async def _complete(self, part: Part) -> SavedFile:
        try:
            # Whoever had the part until now may have made the whole of it.
            kept = await self._kept()
            if kept is not None:
                await off_the_event_path(part.discard)
                return kept
            while True:
                if not self._is_ours(part):
                    await off_the_event_path(part.forget)
                # It may be complete from the start: by a process that was killed before naming it.
                if not part.is_complete:
                    await self._ask(part)
                elif (saved := await self._put_in_place(part)) is not None:
                    return saved
        except DownloadError:
            if not part.size:
                await off_the_event_path(part.discard)  # noqa: ASYNC120 - cancelled is cancelled
            raise
        finally:
            part.close()

    def _is_ours(self, part: Part) -> bool:
        """Whether it comes from where we ask; else it is another file's, or not known whose."""
        return not part.size or (
            part.mark is not None and part.mark.url == without_query(self._url)
        )

    async def _put_in_place(self, part: Part) -> SavedFile | None:
        """Look at what has come, and give it its name; None if it has to be asked for anew."""
        kind = await off_the_event_path(lambda: _examine(part))
        if isinstance(kind, Unusable):
            await off_the_event_path(part.forget)
            await self._again(kind)
            return None
        path, size = self._folder / f"{self._stem}{kind.suffix}", part.size
        was_there = await off_the_event_path(lambda: part.finish(path))
        return self._saved(path, size, kind, was_there=was_there)

    async def _ask(self, part: Part) -> None:
        """Ask once for the rest of a part, or for the whole; and wait, if that is to be repeated."""
        coming = _Coming(part, without_query(self._url), self._terms.max_size)
        headers = range_headers(part.mark, part.size)
        try:
            answer = await self._files.get(self._url, headers, coming.begin)
        except RefusedUrlError as refused:
            raise self.failed(str(refused)) from None
        if part.size > self._furthest:
            # The same bytes once more are no progress, or a file that is cut each time had no end.
            self._has_progress(part.size)
        if isinstance(answer, NoReply):
            await self._again(Unusable(answer.reason, is_final=False), answer)
        else:
            await self._act_on(answer, part, coming)

    async def _act_on(self, answer: Reply, part: Part, coming: _Coming) -> None:
        """Do what an answer calls for; its body, if it brings the file, is in the part by now."""
        meaning = meaning_of(answer).download
        if meaning in _BRINGS_FILE:
            self._on_answer(self._url, _present(answer))
            problem = coming.problem or await off_the_event_path(coming.end)
            if problem is not None:
                await off_the_event_path(part.forget)
                await self._again(problem)
        elif meaning is DownloadMeaning.EXPIRED:
            await self._renew(answer)
        elif meaning is DownloadMeaning.BAD_RANGE:
            await off_the_event_path(part.forget)
            await self._again(Unusable("the host has no such part of it", is_final=False))
        else:
            is_final = meaning is DownloadMeaning.NO_FILE
            text = f"the host answered {answer.status_code}"
            await self._again(Unusable(text, is_final=is_final), answer)

    async def _again(self, problem: Unusable, answer: Answer | None = None) -> None:
        """Wait until it may be tried again.

        Raises:
            DownloadError: Not any more: it can't help, or nothing has come for too long.
        """
        self._attempt += 1
        wait, code = backoff.REQUESTS.wait(self._attempt, f"{self._job_id} {self._number}"), None
        if isinstance(answer, Reply):
            code = answer.status_code
            told = parse_hints(answer.headers, answer.wall_time).retry_after
            wait = wait if told is None else max(wait, told)
        if problem.is_final or trio.current_time() + wait > self._give_up_at:
            raise self.failed(problem.problem, code)
        await trio.sleep(wait)

    def _has_progress(self, size: int) -> None:
        self._furthest = size
        self._attempt = 0
        self._give_up_at = trio.current_time() + self._terms.retry_for

    async def _renew(self, refusal: Reply) -> None:
        """Go on with a fresh URL, which a job that was kept for long may need; once.

        Raises:
            DownloadError: There is none.
        """
        problem = f"the host answered {refusal.status_code}"
        if has_expired(self._url, _present(refusal)):
            problem = f"its URL has expired, and {problem}"
        cause: LegnextError | None = None
        if not self._is_renewed:
            self._is_renewed = True
            try:
                fresh = await self._renewed(self._number)
            except LegnextError as error:
                problem, cause = f"{problem}; asking for a fresh one failed: {error}", error
            else:
                if fresh is not None and fresh != self._url:
                    self._url = fresh
                    return
        raise self.failed(problem, refusal.status_code) from cause

    def _saved(self, path: Path, size: int, kind: Kind, *, was_there: bool) -> SavedFile:
        return SavedFile(
            url=without_query(self._url),
            path=path,
            size=size,
            media_type=kind.media_type,
            was_there=was_there,
        )


class _Coming:
    """What one answer brings, on its way into the part.

    Attributes:
        problem: Why it is of no use; None if it is.
    """

    def __init__(self, part: Part, url: str, max_size: int) -> None:
        self._part = part
        self._url = url
        self._max_size = max_size
        self.problem: Unusable | None = None

    async def begin(self, reply: Reply) -> Sink | None:
        """Look at the head of an answer; the body goes where this says."""
        if meaning_of(reply).download not in _BRINGS_FILE:
            return None
        part = self._part
        said = read_head(reply, self._url, part.mark, part.size, self._max_size)
        if isinstance(said, Unusable):
            self.problem = said
            return None
        if not said.start:
            await off_the_event_path(lambda: part.begin(said.mark))
        elif said.mark != part.mark:
            await off_the_event_path(lambda: part.note(said.mark))
        return self._take

    async def _take(self, data: bytes) -> bool:
        size = self._part.size + len(data)
        if size > self._max_size:
            self.problem = Unusable(f"it has more than {self._max_size:,} bytes", is_final=True)
            return False
        await off_the_event_path(lambda: self._part.append(data))
        return True

    def end(self) -> Unusable | None:
        """The body has come to its end; blocks. What is wrong with it, or None."""
        part = self._part
        if part.mark is not None and part.mark.size is None:
            # The host didn't say; but this is the end, and so its size.
            part.note(msgspec.structs.replace(part.mark, size=part.size))
        if part.is_complete:
            return None
        return Unusable("another number of bytes came than the host said", is_final=False)


def _examine(part: Part) -> Kind | Unusable:
    """What the bytes of a complete part are, or what is wrong with them."""
    head = part.read(0, HEAD)
    kind = kind_of(head)
    called = "" if part.mark is None else part.mark.content_type
    if kind is None:
        said = f"it is neither image nor video; it begins with {head[:16]!r}"
        return Unusable(said, is_final=True)
    if not kind.may_be_called(called):
        return Unusable(f"it is {kind.media_type}, but called {called[:80]!r}", is_final=True)
    if not kind.is_whole(part.size, part.read):
        return Unusable(f"its end is missing (of {part.size:,} bytes)", is_final=False)
    return kind


def _present(reply: Reply) -> float:
    """What the time is where an answer comes from, seconds since 1970."""
    dated = parse_http_date(reply.headers.get("date", "")[:64])
    return reply.wall_time if dated is None else dated
