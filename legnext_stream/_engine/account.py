"""What all requests of one account share: its connections, its pace, and its statistics."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import trio

from legnext_stream._core import backoff
from legnext_stream._core.answers import Answer, Reply, error_of, may_repeat, signal_of
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pace import Pacer, RequestKind
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.schedule.time_left import longest
from legnext_stream._core.stats import Stats, Tally
from legnext_stream._core.tracker import Tracker
from legnext_stream._engine.extension import Extension, Observer
from legnext_stream._http import Lanes, Request
from legnext_stream._log import LOGGER, Log, watch_ended
from legnext_stream._util.trio_only import time_now

if TYPE_CHECKING:
    from legnext_stream._http.files import Files


def job_path(job_id: str) -> str:
    """The path of a status request."""
    return f"/api/v1/job/{quote(job_id, safe='')}"


def submit_request(task_type: TaskType, fields: Mapping[str, object]) -> Request:
    """The request that submits a job with these fields, under the API's names.

    A `mask` of bytes is sent as a PNG file.
    """
    path = f"/api/v1/{task_type}"
    mask = fields.get("mask")
    if not isinstance(mask, bytes):
        return Request("POST", path, json=dict(fields))
    return Request(
        "POST",
        path,
        files={"mask": ("mask.png", mask, "image/png")},
        fields={name: _form_text(value) for name, value in fields.items() if name != "mask"},
    )


def _form_text(value: object) -> str:
    """Encode a form field: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class Account:
    """One API key at one host. Decides nothing: it sends requests at the pace that the pacer sets.

    `observe` begins to follow it, for metrics and traces. All its watches share what is learned.
    """

    def __init__(
        self,
        lanes: Lanes,
        pacing: Pacing,
        observe: Callable[[Account], Observer] | None = None,
    ) -> None:
        self.lanes: Lanes = lanes
        self.pacing: Pacing = pacing
        self.pacer: Pacer = Pacer(
            max_rate=pacing.max_rate,
            initial_rate=pacing.initial_rate,
            max_in_flight=pacing.max_in_flight,
        )
        self.durations: Durations = Durations()
        self._trackers: dict[object, Tracker] = {}
        self._past = Tally()
        # What to call when a request ends; a dict, so that each is called once, in their order.
        self._waiting: dict[Callable[[], None], None] = {}
        self._files: Files | None = None
        self._log = Log(lanes.base_url)
        self._observer = None if observe is None else observe(self)
        self._carry = lanes.send if self._observer is None else self._observer.send

    async def aclose(self) -> None:
        """Close all connections. Bounded in time, also under cancellation."""
        if self._files is not None:
            await self._files.aclose()
        await self.lanes.aclose()
        if self._observer is not None:
            self._observer.close()

    def extensions(self) -> tuple[Extension, ...]:
        """Return the extensions that a new watch of this account begins with."""
        return () if self._observer is None else (self._observer.extension(),)

    @property
    def has_answered(self) -> bool:
        """Whether there has been any answer to a request that wasn't for a file."""
        return self._log.has_answered

    @property
    def files(self) -> Files:
        """Downloads the results of this account's jobs."""
        if self._files is None:
            self._files = self.lanes.files()
        return self._files

    async def poll(self, job_id: str) -> Answer:
        """Send one status request now. The caller asks the pacer before, and tells it the outcome."""
        return await self.send(Request("GET", job_path(job_id)))

    async def send(self, request: Request) -> Answer:
        """Send one request now. The caller asks the pacer before, and tells it the outcome."""
        answer = await self._carry(request)
        self._log.request_ended(request, answer, self.pacer.rate)
        return answer

    async def request(
        self, request: Request, kind: RequestKind, *, is_safe: bool, retry_for: float
    ) -> Reply:
        """Send one request at the account's pace, and repeat it after errors that may pass.

        It is repeated for `retry_for` seconds from the first attempt on. It is safe (`is_safe`) if
        that can do no harm.

        Raises:
            ApiError: The API refuses it.
            SubmitUnknownError: It is not safe, was sent, and got no answer.
            HostUnreachableError: It got no answer.
        """
        give_up_at = trio.current_time() + retry_for
        attempt = 0
        while True:
            attempt += 1
            await self._turn(kind)
            answer = await self._send(request, kind)
            if isinstance(answer, Reply) and 200 <= answer.status_code < 300:
                return answer
            wait = backoff.REQUESTS.wait(attempt, request.path)
            is_late = trio.current_time() + wait > give_up_at
            if is_late or not may_repeat(answer, is_safe=is_safe):
                raise error_of(answer, is_safe=is_safe)
            await trio.sleep(wait)

    async def _turn(self, kind: RequestKind) -> None:
        """Wait until the pacer allows a request. It must start before the next checkpoint."""
        await trio.lowlevel.checkpoint()
        while (at := self.pacer.ready_at(now := trio.current_time(), kind)) > now:
            freed = trio.Event()
            self.call_when_free(freed.set)
            with trio.move_on_at(at):
                await freed.wait()

    async def _send(self, request: Request, kind: RequestKind) -> Answer:
        self.pacer.start(trio.current_time(), kind)
        answer = await self.send_started(request, kind)
        self.pacer.finish(trio.current_time(), signal_of(answer), kind)
        return answer

    async def send_started(self, request: Request, kind: RequestKind) -> Answer:
        """Send a request of which the pacer knows that it has started. The caller tells it the outcome."""
        try:
            return await self.send(request)
        except BaseException:
            self.pacer.abandon(kind)
            raise
        finally:
            self.free()

    def call_when_free(self, wake: Callable[[], None]) -> None:
        """Call `wake` once, when the next request of this account ends, however often this asks."""
        self._waiting[wake] = None

    def free(self) -> None:
        """A request has ended: what waits for a place in flight may look again."""
        waiting, self._waiting = self._waiting, {}
        for wake in waiting:
            wake()

    def learned(self, wall_now: float) -> dict[str, dict[str, Any]]:
        """What polling has learned by now, as plain data for JSON. `wall_now`: seconds since 1970."""
        pace = self.pacer.state(trio.current_time(), wall_now)
        return {"pace": pace, "durations": self.durations.state()}

    def remember(self, name: str, state: Mapping[str, Any], wall_now: float) -> None:
        """Take over what `learned` returned under a name in an earlier run, if it is news.

        The state of another version of the library is ignored.
        """
        if name == "pace":
            self.pacer.remember(state, trio.current_time(), wall_now)
        else:
            with contextlib.suppress(ValueError):
                self.durations.remember(state)

    @property
    def stats(self) -> Stats:
        """The statistics of all watches together, up to now."""
        trackers = self._trackers.values()
        now = time_now()
        left = [tracker.time_left(now) for tracker in trackers]
        return self.total().snapshot(
            pacer=self.pacer,
            durations=self.durations,
            price=max((tracker.price for tracker in trackers), default=self.pacing.poll_cost),
            left=longest(one for one in left if one is not None),
            server_speed=max((tracker.server_speed for tracker in trackers), default=1.0),
        )

    def total(self) -> Tally:
        """Return the counts of all watches together."""
        total = Tally()
        for tally in (self._past, *(tracker.tally for tracker in self._trackers.values())):
            total.add(tally)
        return total

    def count_in(self, owner: object, tracker: Tracker) -> None:
        """Include the counts of a watch that begins."""
        self._trackers[owner] = tracker
        LOGGER.info("watching jobs at %s", self.lanes.base_url)

    def count_out(self, owner: object, failure: Exception | None = None) -> None:
        """Keep the counts of a watch that has ended, without the jobs that it has not finished."""
        tally = self._trackers.pop(owner).tally
        self._past.add(tally.without_unfinished())
        watch_ended(self.lanes.base_url, tally, failure)
