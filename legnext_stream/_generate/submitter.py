"""Submits the prompts of a batch, as fast as the account allows.

Thin: when the next submit may start, and what an answer means, is decided in `_core`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs
import trio

from legnext_stream._core.answers import (
    Answer,
    SubmitAnswer,
    SubmitMeaning,
    read_submit,
    retry_after,
    signal_of,
)
from legnext_stream._core.model.jobs import Job, JobError, JobStatus, Usage
from legnext_stream._core.model.prices import Budget
from legnext_stream._core.model.prompts import fields_of
from legnext_stream._core.model.tasks import TaskType, check_task_type
from legnext_stream._core.pace import RequestKind
from legnext_stream._core.submitting import (
    MOST_AT_ONCE,
    Slots,
    Trouble,
    event_without_job,
    job_error,
)
from legnext_stream._engine.account import Account, submit_request
from legnext_stream._engine.extension import Watch
from legnext_stream._generate.batch import Batch, Item
from legnext_stream._generate.intake import AHEAD, Intake, Prompts
from legnext_stream._util.slices import Slices

if TYPE_CHECKING:
    from legnext_stream._journal import JournalExtension

_SUBMIT: Final = RequestKind.SUBMIT
_MAY_BE_MADE: Final = frozenset({SubmitMeaning.MADE, SubmitMeaning.UNKNOWN})
# How long leaving waits for submits that were sent, where a journal can record what they made, seconds.
_GRACE: Final = 2.0


IfUnknown: TypeAlias = Literal["tell", "submit_again"]


def _check_at_once(given: int | None) -> int:
    most = MOST_AT_ONCE if given is None else given
    if most < 1:
        msg = f"at_once must be at least 1, not {given!r}"
        raise ValueError(msg)
    return most


def _check_max_cost(_: object, __: object, given: float | None) -> None:
    if given is not None and not given >= 0:
        msg = f"max_cost must be 0 points or more, or None, not {given!r}"
        raise ValueError(msg)


def _check_if_unknown(_: object, __: object, given: object) -> None:
    if given not in {"tell", "submit_again"}:
        msg = f'if_unknown must be "tell" or "submit_again", not {given!r}'
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class SubmitSettings:
    """How a batch is to be submitted.

    Raises:
        ValueError: There is no such task type, or a setting is out of its range.
    """

    # The task type of prompts that are mere texts.
    task_type: TaskType = attrs.field(converter=check_task_type)
    callback: str | None  # what is sent as `callback` with each prompt that has none, or None
    # How long a submit is tried again while it can't be sent, seconds; None for ever.
    timeout: float | None
    # How many jobs may be unfinished at a time. None, given to `__init__`, is 1,000.
    at_once: int = attrs.field(converter=_check_at_once)
    # What becomes of a prompt whose submit was sent and not answered.
    if_unknown: IfUnknown = attrs.field(validator=_check_if_unknown)
    # How many points the jobs may cost; None for no limit.
    max_cost: float | None = attrs.field(default=None, validator=_check_max_cost)


class Submitter:
    """Submits the prompts of one batch."""

    def __init__(
        self,
        batch: Batch,
        prompts: Prompts,
        *,
        account: Account,
        settings: SubmitSettings,
        journal: JournalExtension | None,
        watch: Watch,
    ) -> None:
        self._batch = batch
        self._account = account
        self._settings = settings
        self._journal = journal
        self._watch = watch
        self._tracker = watch.tracker
        self._intake = Intake(
            prompts, task_type=settings.task_type, journal=journal, take=self._take
        )
        self._slots = Slots(settings.at_once)
        self._trouble = Trouble(
            settings.timeout, submit_again=settings.if_unknown == "submit_again"
        )
        self._budget = None if settings.max_cost is None else Budget(settings.max_cost)
        # A heap of the prompts that wait for their turn, by position; how many prompts have neither a job
        # nor an end, these included; and whether no more can come in.
        self._ready: list[tuple[int, Item]] = []
        self._in_hand = 0
        self._is_all_in = False
        self._room = trio.Event()
        self._graces: set[trio.CancelScope] = set()

    async def run(self) -> None:
        """Submit all prompts; return when each has a job, or has ended without one."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._bound_graces)
            nursery.start_soon(self._take_in)
            await self._dispatch(nursery)
            nursery.cancel_scope.cancel()

    @trio.lowlevel.enable_ki_protection
    async def _take_in(self) -> None:
        await self._intake.run()
        self._is_all_in = True
        self._batch.wake()

    async def _take(self, item: Item) -> None:
        """Take in a prompt; return when there is room for another."""
        self._tracker.tally.prompts += 1
        self._in_hand += 1
        self._put(item)
        while self._in_hand >= AHEAD:
            self._room = trio.Event()
            await self._room.wait()

    async def _dispatch(self, nursery: trio.Nursery) -> None:
        """Start each submit when it may start."""
        slices = Slices()
        while self._in_hand or not self._is_all_in:
            if self._ready and self._watch.delivery.is_full:
                await self._watch.delivery.wait_for_room()
            now = trio.current_time()
            at = self._due(now)
            if at > now:
                await self._batch.change(at)
                continue
            _, item = heapq.heappop(self._ready)
            refusal = self._trouble.refusal(now) or self._reserve(item)
            if refusal is None:
                nth = self._slots.start(self._tracker.active)
                self._account.pacer.start(now, _SUBMIT)
                nursery.start_soon(self._submit, item, now, nth)
            else:
                self._end(item, JobStatus.NOT_SUBMITTED, refusal)
                await slices.done_one()

    def _reserve(self, item: Item) -> JobError | None:
        """Reserve what a submit will cost; or return why it can't be submitted."""
        if self._budget is None:
            return None
        reserved = self._budget.reserve(item.prompt)
        if reserved is None:
            spent, most = f"{self._budget.spent:,.10g}", f"{self._budget.most:,.10g}"
            text = f"it would cost more than is left: {spent} of max_cost={most} points are spent"
            return JobError(message=text)
        item.reserved = reserved
        return None

    def _settle(self, item: Item, said: SubmitAnswer) -> None:
        """Count what a submit has cost."""
        if self._budget is None:
            return
        if said.meaning in _MAY_BE_MADE:
            usage = (None if said.job is None else said.job.usage) or Usage()
            self._budget.settle(item.prompt, item.reserved, max(usage.frozen, usage.consume))
        else:
            self._budget.give_back(item.prompt, item.reserved)
        self._batch.wake()

    def _due(self, now: float) -> float:
        """When the next prompt may be submitted, seconds; infinite until something changes."""
        if not self._ready or self._batch.is_behind:
            return float("inf")
        if self._trouble.refusal(now) is not None:
            return now
        if self._budget is not None and self._budget.must_wait(self._ready[0][1].prompt):
            return float("inf")
        at = self._slots.due(now, self._tracker.active)
        if at > now:
            return at
        at = self._account.pacer.ready_at(now, _SUBMIT)
        if at == float("inf"):
            self._account.call_when_free(self._batch.wake)
        return at

    @trio.lowlevel.enable_ki_protection
    async def _submit(self, item: Item, started_at: float, nth: int) -> None:
        """Submit a prompt once, and handle the answer."""
        if item.since is None:
            item.since = started_at
        if self._journal is not None:
            await self._announce(item, self._journal)
        said = None
        with self._grace():
            said = await self._attempt(item, started_at, nth)
        if said is not None:
            await self._not_made(item, said)

    @contextmanager
    def _grace(self) -> Iterator[None]:
        """With a journal, let a submit that was sent end when the stream is left, to record what it made."""
        with trio.CancelScope(shield=self._journal is not None) as scope:
            self._graces.add(scope)
            try:
                yield
            finally:
                self._graces.discard(scope)

    @trio.lowlevel.enable_ki_protection
    async def _bound_graces(self) -> None:
        """Bound what `_grace` allows, from when the stream is left."""
        try:
            await trio.sleep_forever()
        finally:
            for scope in self._graces:
                scope.deadline = trio.current_time() + _GRACE

    async def _attempt(self, item: Item, started_at: float, nth: int) -> SubmitAnswer | None:
        """Submit a prompt; return the answer if there is no job."""
        answer = await self._send(item)
        now = trio.current_time()
        said = read_submit(answer)
        self._count(said)
        self._settle(item, said)
        if self._journal is not None and said.meaning not in _MAY_BE_MADE:
            self._journal.settled(item.position, item.attempt, None)
        is_limited = is_too_fast = said.meaning is SubmitMeaning.LIMITED
        if is_limited:
            told, unfinished = retry_after(answer), self._tracker.active
            # As many jobs at once as the account takes explain it: then it says nothing of the rate.
            is_too_fast = not self._slots.limited(now, nth, unfinished, told)
        signal = signal_of(answer, limited=is_too_fast, sent_at=started_at)
        self._account.pacer.finish(now, signal, _SUBMIT)
        if is_limited:
            # The answer may have begun a pause, which extensions look for before each step.
            self._watch.wake()
        self._trouble.observe(now, answer, said)
        if said.job is not None:
            await self._made(item, said.job, answer, nth)
            return None
        if not is_limited:
            self._slots.ended()
        return said

    async def _announce(self, item: Item, journal: JournalExtension) -> None:
        """Record that a prompt is about to be submitted, before it is."""
        item.attempt = journal.sending(item.position)
        try:
            await journal.flush()
            await trio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            journal.settled(item.position, item.attempt, None)
            self._account.pacer.abandon(_SUBMIT)
            self._account.free()
            raise

    async def _send(self, item: Item) -> Answer:
        """Send a submit of which the pacer knows that it has started."""
        fields = fields_of(item.prompt)
        if self._settings.callback is not None:
            fields.setdefault("callback", self._settings.callback)
        request = submit_request(check_task_type(item.prompt.task_type), fields)
        return await self._account.send_started(request, _SUBMIT)

    async def _made(self, item: Item, job: Job, answer: Answer, nth: int) -> None:
        """Watch the job that was made, once it is recorded."""
        items, tracker = self._batch.items, self._tracker
        if job.job_id in items or tracker.knows(job.job_id):
            self._slots.ended()
            text = (
                f"the API answered with job {job.job_id}, which belongs to another prompt;"
                " there may be one more job"
            )
            self._end(item, JobStatus.SUBMIT_UNKNOWN, JobError(message=text))
            return
        items[job.job_id] = item
        if self._journal is not None:
            self._journal.settled(item.position, item.attempt, job.job_id)
            await self._journal.flush()
        now = trio.current_time()
        self._slots.made(nth, now)
        self._watch.deliver(tracker.add(now, job, seen_at=answer.sent_at))
        self._done()

    async def _not_made(self, item: Item, said: SubmitAnswer) -> None:
        """Submit a prompt again that has no known job, or end it."""
        now = trio.current_time()
        item.failures += 1
        since = now if item.since is None else item.since
        step = self._trouble.step(now, said, since, item.failures, str(item.position))
        if isinstance(step, JobStatus):
            error = JobError() if said.error is None else job_error(said.error)
            self._end(item, step, error)
            return
        await trio.sleep_until(step)
        self._put(item)

    def _put(self, item: Item) -> None:
        """Have a prompt wait for its turn; those with lower positions come first."""
        heapq.heappush(self._ready, (item.position, item))
        self._batch.wake()

    def _end(self, item: Item, status: JobStatus, error: JobError) -> None:
        """End a prompt without a job."""
        now, tally = trio.current_time(), self._tracker.tally
        tally.events += 1
        tally.jobs[status] += 1
        event = event_without_job(
            now,
            since=item.since,
            status=status,
            error=error,
            prompt=item.prompt,
            position=item.position,
        )
        self._watch.deliver([event])
        self._done()

    def _done(self) -> None:
        self._in_hand -= 1
        self._room.set()
        self._batch.wake()

    def _count(self, said: SubmitAnswer) -> None:
        tally = self._tracker.tally
        tally.submits += 1
        tally.submits_limited += said.meaning is SubmitMeaning.LIMITED
        tally.submitted += said.meaning is SubmitMeaning.MADE
        if said.error is not None:
            tally.last_error = str(said.error)
