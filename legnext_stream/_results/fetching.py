"""The download of one result: retried until it is complete, and resumed where possible."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import msgspec
import trio

from legnext_stream._core import backoff
from legnext_stream._core.answers import Answer, DownloadMeaning, NoReply, Reply, meaning_of
from legnext_stream._core.model.events import SavedFile
from legnext_stream._core.pace.hints import parse_hints, parse_http_date
from legnext_stream._core.results.file_types import HEAD, Kind, kind_of
from legnext_stream._core.results.resuming import Unusable, range_headers, read_head
from legnext_stream._core.results.urls import has_expired, without_query
from legnext_stream._http.files import Files, RefusedUrlError, Sink
from legnext_stream._log import BELOW_DEBUG, LOGGER, RETRYING
from legnext_stream._results.part import OtherFileError, Part, find_whole
from legnext_stream._util.threads import run_blocking
from legnext_stream.errors import DownloadError, LegnextError

_BRINGS_FILE = frozenset({DownloadMeaning.WHOLE, DownloadMeaning.PART})


@attrs.define(eq=False, kw_only=True)
class Fetching:
    """The download of one result.

    Attributes:
        max_size: The most bytes that a file may have.
        retry_for: How long to retry while no new bytes arrive, in seconds.
        keeps: Whether an existing file with the right name is the right file.
        number: Which of the job's results it is, from 1.
        url: The URL of the result. A refused one is replaced by a fresh one.
        stem: The file's name without its suffix.
        renewed: Returns the current URL of a result by its number, or None if there is none.
        on_answer: Called with each URL that leads to a file, and with the time by the host's clock, in
            seconds since 1970.
    """

    files: Files
    max_size: int
    retry_for: float
    keeps: bool
    job_id: str
    number: int
    url: str
    folder: Path
    stem: str
    renewed: Callable[[int], Awaitable[str | None]]
    on_answer: Callable[[str, float], None]
    _is_renewed: bool = attrs.field(default=False, init=False)
    _give_up_at: float = attrs.field(default=0.0, init=False)
    _attempt: int = attrs.field(default=0, init=False)
    _furthest: int = attrs.field(default=0, init=False)

    async def run(self) -> SavedFile:
        """Download the result, unless it is there already.

        Raises:
            DownloadError: It can't be downloaded or written, or is no image or video.
        """
        try:
            return await self._run()
        except OtherFileError as other:
            raise self.failed(str(other)) from None
        except OSError as error:
            raise self.failed(f"it can't be written: {error.strerror or error}") from error

    def failed(self, problem: str, status_code: int | None = None) -> DownloadError:
        """The error that says why there is no file."""
        shown = without_query(self.url)
        return DownloadError(
            f"result {self.number} of job {self.job_id}: {problem} ({shown[:300]})",
            job_id=self.job_id,
            url=shown,
            status_code=status_code,
        )

    async def _run(self) -> SavedFile:
        self._has_progress(0)
        while (kept := await self._kept()) is None:
            part = await run_blocking(lambda: Part.claim(self.folder / f"{self.stem}.part"))
            if part is not None:
                return await self._complete(part)
            busy = Unusable("another download of it is running", is_final=False)
            await self._again(busy)
        return kept

    async def _kept(self) -> SavedFile | None:
        """The file that is there already, if its name shows that it is the right one."""
        if not self.keeps:
            return None
        found = await run_blocking(lambda: find_whole(self.folder, self.stem))
        return None if found is None else self._saved(*found, was_there=True)

    async def _complete(self, part: Part) -> SavedFile:
        try:
            # Another process may have completed the file before we claimed the part.
            kept = await self._kept()
            if kept is not None:
                await run_blocking(part.discard)
                return kept
            while True:
                if not self._is_ours(part):
                    await run_blocking(part.forget)
                # It may be complete already, if a process was killed before it renamed the part.
                if not part.is_complete:
                    await self._ask(part)
                elif (saved := await self._put_in_place(part)) is not None:
                    return saved
        except DownloadError:
            if not part.size:
                await run_blocking(part.discard)  # noqa: ASYNC120 - cancelled is cancelled
            raise
        finally:
            part.close()

    def _is_ours(self, part: Part) -> bool:
        """Whether the part is empty, or comes from our URL."""
        return not part.size or (part.mark is not None and part.mark.url == without_query(self.url))

    async def _put_in_place(self, part: Part) -> SavedFile | None:
        """Check a complete part and rename it; None if it has to be downloaded again."""
        kind = await run_blocking(lambda: _examine(part))
        if isinstance(kind, Unusable):
            await run_blocking(part.forget)
            await self._again(kind)
            return None
        path, size = self.folder / f"{self.stem}{kind.suffix}", part.size
        was_there = await run_blocking(lambda: part.finish(path))
        return self._saved(path, size, kind, was_there=was_there)

    async def _ask(self, part: Part) -> None:
        """Request the rest of a part, or the whole, once; wait if that has to be repeated."""
        body = _Body(part, without_query(self.url), self.max_size)
        headers = range_headers(part.mark, part.size)
        try:
            answer = await self.files.get(self.url, headers, body.begin)
        except RefusedUrlError as refused:
            raise self.failed(str(refused)) from None
        if part.size > self._furthest:
            # The same bytes again are no progress: a file that is always cut off would never end.
            self._has_progress(part.size)
        if isinstance(answer, NoReply):
            is_final = meaning_of(answer).download is DownloadMeaning.NO_FILE
            await self._again(Unusable(answer.reason, is_final=is_final), answer)
        else:
            await self._act_on(answer, part, body)

    async def _act_on(self, answer: Reply, part: Part, body: _Body) -> None:
        """Act on an answer. If it contained the file, that is in the part by now."""
        meaning = meaning_of(answer).download
        if meaning in _BRINGS_FILE:
            self.on_answer(self.url, _present(answer))
            problem = body.problem or await run_blocking(body.end)
            if problem is not None:
                await run_blocking(part.forget)
                await self._again(problem)
        elif meaning is DownloadMeaning.EXPIRED:
            await self._renew(answer)
        elif meaning is DownloadMeaning.BAD_RANGE:
            await run_blocking(part.forget)
            await self._again(Unusable("the host doesn't have the requested range", is_final=False))
        else:
            is_final = meaning is DownloadMeaning.NO_FILE
            text = f"the host answered {answer.status_code}"
            await self._again(Unusable(text, is_final=is_final), answer)

    async def _again(self, problem: Unusable, answer: Answer | None = None) -> None:
        """Wait before the next attempt.

        Raises:
            DownloadError: Another attempt can't help, or there was no progress for too long.
        """
        self._attempt += 1
        wait, code = backoff.REQUESTS.wait(self._attempt, f"{self.job_id} {self.number}"), None
        if isinstance(answer, Reply):
            code = answer.status_code
            told = parse_hints(answer.headers, answer.wall_time).retry_after
            wait = wait if told is None else max(wait, told)
        if problem.is_final or trio.current_time() + wait > self._give_up_at:
            raise self.failed(problem.problem, code)
        if isinstance(answer, NoReply):
            LOGGER.log(BELOW_DEBUG, RETRYING, answer.cause, without_query(self.url))
        await trio.sleep(wait)

    def _has_progress(self, size: int) -> None:
        self._furthest = size
        self._attempt = 0
        self._give_up_at = trio.current_time() + self.retry_for

    async def _renew(self, refusal: Reply) -> None:
        """Get a fresh URL, once: those of an old `Job` have expired.

        Raises:
            DownloadError: There is none.
        """
        problem = f"the host answered {refusal.status_code}"
        if has_expired(self.url, _present(refusal)):
            problem = f"its URL has expired, and {problem}"
        cause: LegnextError | None = None
        if not self._is_renewed:
            self._is_renewed = True
            try:
                fresh = await self.renewed(self.number)
            except LegnextError as error:
                problem, cause = f"{problem}; asking for a fresh one failed: {error}", error
            else:
                if fresh is not None and fresh != self.url:
                    self.url = fresh
                    return
        raise self.failed(problem, refusal.status_code) from cause

    def _saved(self, path: Path, size: int, kind: Kind, *, was_there: bool) -> SavedFile:
        return SavedFile(
            url=without_query(self.url),
            path=path,
            size=size,
            media_type=kind.media_type,
            was_there=was_there,
        )


@attrs.define(eq=False)
class _Body:
    """The body of one answer, on its way into the part.

    Attributes:
        url: Where the answer comes from, without the query.
        problem: Why the answer is of no use; None if it is.
    """

    part: Part
    url: str
    max_size: int
    problem: Unusable | None = None

    async def begin(self, reply: Reply) -> Sink | None:
        """Look at the head of an answer; return where its body goes, if anywhere."""
        if meaning_of(reply).download not in _BRINGS_FILE:
            return None
        part = self.part
        said = read_head(reply, self.url, part.mark, part.size, self.max_size)
        if isinstance(said, Unusable):
            self.problem = said
            return None
        if not said.start:
            await run_blocking(lambda: part.begin(said.mark))
        elif said.mark != part.mark:
            await run_blocking(lambda: part.note(said.mark))
        return self._take

    async def _take(self, data: bytes) -> bool:
        size = self.part.size + len(data)
        if size > self.max_size:
            self.problem = Unusable(f"it has more than {self.max_size:,} bytes", is_final=True)
            return False
        await run_blocking(lambda: self.part.append(data))
        return True

    def end(self) -> Unusable | None:
        """At the end of the body: return what is wrong with it, or None. Blocks."""
        part = self.part
        if part.mark is not None and part.mark.size is None:
            # The host didn't say the size, but this is the end.
            part.note(msgspec.structs.replace(part.mark, size=part.size))
        if part.is_complete:
            return None
        return Unusable("the number of bytes is not what the host said", is_final=False)


def _examine(part: Part) -> Kind | Unusable:
    """The file type of a complete part, or what is wrong with it. Blocks."""
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
    """The time by the host's clock, in seconds since 1970."""
    dated = parse_http_date(reply.headers.get("date", "")[:64])
    return reply.wall_time if dated is None else dated
