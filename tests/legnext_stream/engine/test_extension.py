"""What an extension is told, and in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from legnext_stream import EventStream, Job, JobEvent, JobStatus, LegnextClient, Pacing
from legnext_stream._core.answers import Answer
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension, Hooks
from legnext_stream._http import Lanes, Request
from mockserver import Fixed, MockLegnext
from tests.legnext_stream.support import KEY, URL

HOOKS = [name for name, value in vars(Extension).items() if callable(value)]


class Noting(Extension):
    """Notes each call of its methods.

    Args:
        name: Its name.
        notes: Where it writes: its name, the method, and what that was about.
    """

    def __init__(self, name: str, notes: list[tuple[str, str, str]]) -> None:
        self.name = name
        self.notes = notes

    def note(self, method: str, about: str = "") -> None:
        """Note a call."""
        self.notes.append((self.name, method, about))

    async def open(self) -> None:
        """Be opened."""
        await trio.lowlevel.checkpoint()
        self.note("open")

    async def restore(self) -> Sequence[JobEvent]:
        """Restore nothing."""
        await trio.lowlevel.checkpoint()
        self.note("restore")
        return ()

    async def run(self) -> None:
        """Run until the watch ends."""
        try:
            await trio.sleep_forever()
        finally:
            self.note("run")

    async def produce(self) -> None:
        """Produce one job."""
        await trio.sleep(1)
        self.note("produce")

    def before_step(self) -> None:
        """Note the first one only."""
        if not any(note[1] == "before_step" for note in self.notes if note[0] == self.name):
            self.note("before_step")

    def taken(self, item: str | Job) -> None:
        """Take a job."""
        self.note("taken", str(item))

    def removed(self, job_id: str) -> None:
        """Lose a job."""
        self.note("removed", job_id)

    def annotate(self, event: JobEvent) -> JobEvent:
        """Add this one's name to the position, of all things."""
        self.note("annotate", event.status)
        return attrs.evolve(event, position=10 * (event.position or 0) + len(self.name))

    def observed(self, event: JobEvent) -> None:
        """See an event."""
        self.note("observed", f"{event.status} {event.position}")

    def delays(self, event: JobEvent) -> bool:
        """Delay ends."""
        return event.status.is_terminal

    async def complete(self, event: JobEvent) -> JobEvent:
        """Take a second for it."""
        await trio.sleep(1)
        self.note("complete", event.status)
        return event

    def acknowledged(self, event: JobEvent) -> None:
        """See that an event is done with."""
        self.note("acknowledged", event.status)

    async def flush(self) -> None:
        """Make that last."""
        await trio.lowlevel.checkpoint()
        self.note("flush")

    def ended(self) -> None:
        """See the end of the watch."""
        self.note("ended")

    async def close(self) -> None:
        """Be closed."""
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
        self.note("close")


@asynccontextmanager
async def watching(
    mock: MockLegnext, jobs: Sequence[str], *extensions: Extension
) -> AsyncIterator[EventStream]:
    """A watch with these extensions."""
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        stream = EventStream(
            jobs,
            account=client._account,
            open_nursery=client._open_nursery,
            timeout=600,
            pacing=Pacing(),
            extensions=extensions,
        )
        async with stream:
            yield stream


def noting(*names: str) -> tuple[list[Noting], list[tuple[str, str, str]]]:
    """Extensions of these names, and what they note."""
    notes: list[tuple[str, str, str]] = []
    return [Noting(name, notes) for name in names], notes


async def test_the_order_is_the_declared_one() -> None:
    """One job from its coming in to its end: each step for all extensions, in their order."""
    (first, second), notes = noting("a", "bb")
    mock = MockLegnext(run_times=Fixed(20))
    (job_id,) = mock.add_jobs(1)
    async with watching(mock, [job_id], first, second) as stream:
        told = [event async for event in stream]
    called = [(name, method, about) for name, method, about in notes if method != "before_step"]
    expected = [("open", ""), ("restore", ""), ("taken", job_id), ("produce", "")]
    for number, event in enumerate(told):
        # First "a" annotates, which makes the position 1, and then "bb", which makes it 12.
        expected += [("annotate", event.status), ("observed", f"{event.status} 12")]
        if event.status.is_terminal:
            expected += [("complete", event.status)]
        if number < len(told) - 1:
            expected += [("acknowledged", event.status), ("flush", "")]
    expected += [("run", ""), ("ended", ""), ("acknowledged", told[-1].status), ("flush", "")]
    expected += [("close", "")]
    steps = [(method, about) for name, method, about in called if name == "a"]
    assert sorted(steps) == sorted(expected)
    assert [(method, about) for name, method, about in called if name == "bb"] == steps
    in_tasks = {"produce", "run"}
    assert [step for step in steps if step[0] not in in_tasks | {"acknowledged", "flush"}] == [
        step for step in expected if step[0] not in in_tasks | {"acknowledged", "flush"}
    ]
    # Each step is over for "a" when it begins for "bb", but for those that are tasks of their own.
    alternating = [name for name, method, _ in called if method not in in_tasks]
    assert alternating == ["a", "bb"] * (len(alternating) // 2)
    assert notes.index(("a", "before_step", "")) > notes.index(("bb", "restore", ""))
    assert notes.index(("bb", "run", "")) < notes.index(("a", "ended", ""))


async def test_an_event_is_acknowledged_before_the_next_is_delivered() -> None:
    """By asking for the next, once, and made to last before that is there."""
    (extension,), notes = noting("a")
    mock = MockLegnext(run_times=Fixed(20))
    async with watching(mock, mock.add_jobs(1), extension) as stream:
        event = await anext(stream)
        assert not [note for note in notes if note[1] in {"acknowledged", "flush"}]
        await anext(stream)
        assert [note[1:] for note in notes if note[1] in {"acknowledged", "flush"}] == [
            ("acknowledged", event.status),
            ("flush", ""),
        ]


async def test_a_removed_job_is_told_to_all() -> None:
    """Once, and of a job that isn't watched not at all."""
    (first, second), notes = noting("a", "b")
    mock = MockLegnext()
    job_id, _ = mock.add_jobs(2)
    async with watching(mock, list(mock.truth), first, second) as stream:
        await anext(stream)
        stream.remove(job_id)
        with pytest.raises(KeyError):
            stream.remove(job_id)
    assert [note for note in notes if note[1] == "removed"] == [
        ("a", "removed", job_id),
        ("b", "removed", job_id),
    ]


class Restoring(Noting):
    """Restores the end of a job."""

    async def restore(self) -> Sequence[JobEvent]:
        """Restore an end."""
        await trio.lowlevel.checkpoint()
        job = Job(job_id="old", status=JobStatus.COMPLETED)
        return [
            JobEvent(
                job_id="old",
                status=job.status,
                previous=None,
                job=job,
                observed_at=0.0,
                changed_between=(None, 0.0),
            )
        ]


async def test_what_is_restored_is_not_new() -> None:
    """It is annotated and completed like other events, but no extension observes it."""
    notes: list[tuple[str, str, str]] = []
    mock = MockLegnext()
    async with watching(mock, [], Noting("a", notes), Restoring("b", notes)) as stream:
        told = [event.job_id async for event in stream]
    assert told == ["old"]
    assert [note[:2] for note in notes if note[2] == "completed" and note[1] != "acknowledged"] == [
        ("a", "annotate"),
        ("b", "annotate"),
        ("a", "complete"),
        ("b", "complete"),
    ]


class Failing(Noting):
    """Fails in one of its methods."""

    def __init__(self, method: str, notes: list[tuple[str, str, str]]) -> None:
        super().__init__("f", notes)

        async def fail(*_: Any) -> Any:  # noqa: ANN401 - any method's
            await trio.lowlevel.checkpoint()
            raise LookupError(method)

        setattr(self, method, fail)


@pytest.mark.parametrize("method", ["open", "restore", "run", "produce", "complete"])
async def test_an_extension_that_fails_ends_the_watch(method: str) -> None:
    """The error is raised at the loop; all extensions learn of the end, and are closed."""
    notes: list[tuple[str, str, str]] = []
    mock = MockLegnext()
    failing = Failing(method, notes)
    async with watching(mock, mock.add_jobs(1), failing, Noting("a", notes)) as stream:
        with pytest.raises(LookupError, match=method):
            async for _ in stream:
                pass
    ends = [note[:2] for note in notes if note[1] in {"ended", "close"}]
    assert ends == [("f", "ended"), ("a", "ended"), ("f", "close"), ("a", "close")]
    if method in {"open", "restore"}:
        assert len(mock.requests) == 0


async def test_it_is_closed_when_the_consumer_has_read_to_the_end() -> None:
    """Not when the watch ends, for events are acknowledged after that; leaving closes it, too."""
    (extension,), notes = noting("a")
    mock = MockLegnext()
    async with watching(mock, mock.add_jobs(1), extension) as stream:
        await trio.sleep(1000)
        assert ("a", "ended", "") in notes
        assert ("a", "close", "") not in notes
        async for _ in stream:
            pass
        assert notes[-1] == ("a", "close", "")
    notes.clear()
    async with watching(mock, mock.add_jobs(1), extension) as stream:
        await anext(stream)
    assert [note[1] for note in notes[-2:]] == ["ended", "close"]


def test_what_is_not_overridden_is_not_called() -> None:
    """So a watch without extensions, or with an idle one, has nothing to call."""
    for extensions in ([], [Extension(), Extension()]):
        assert [hook for hooks in vars(Hooks(extensions)).values() for hook in hooks] == []
    assert all(len(hooks) == 1 for hooks in vars(Hooks([Noting("a", [])])).values())


async def test_the_base_class_does_nothing() -> None:
    """Each of its methods may be left as it is."""
    extension = Extension()
    event = (await Restoring("a", []).restore())[0]
    arguments: dict[str, tuple[object, ...]] = dict.fromkeys(
        ["taken", "removed", "annotate", "observed", "delays", "complete", "acknowledged"], (event,)
    )
    returned = {}
    for name in HOOKS:
        result = getattr(extension, name)(*arguments.get(name, ()))
        returned[name] = await result if hasattr(result, "__await__") else result
    assert returned.pop("annotate") is event
    assert returned.pop("complete") is event
    assert returned.pop("restore") == ()
    assert returned.pop("delays") is False
    assert set(returned.values()) == {None}


class Following:
    """Follows an account, and counts."""

    def __init__(self, account: Account, notes: list[tuple[str, str, str]]) -> None:
        self._send: Callable[[Request], Any] = account.lanes.send
        self._notes = notes
        self.sent = 0

    async def send(self, request: Request) -> Answer:
        """Carry a request."""
        self.sent += 1
        answer: Answer = await self._send(request)
        return answer

    def extension(self) -> Extension:
        """Note what a watch does."""
        return Noting("of the account", self._notes)

    def close(self) -> None:
        """Be closed."""
        self._notes.append(("of the account", "account closed", ""))


async def test_an_observer_follows_all_of_an_account() -> None:
    """Its requests go through it, and its extension comes before a watch's own."""
    notes: list[tuple[str, str, str]] = []
    mock = MockLegnext()
    lanes = Lanes(
        base_url=URL, api_key=KEY, transport=mock.transport(), request_timeout=10.0, http2=False
    )
    followed: list[Following] = []

    def observe(account: Account) -> Following:
        followed.append(Following(account, notes))
        return followed[0]

    stream = EventStream(
        mock.add_jobs(2),
        account=Account(lanes, Pacing(), observe),
        open_nursery=None,
        timeout=600,
        pacing=Pacing(),
        extensions=[Noting("own", notes)],
    )
    async with stream:
        async for _ in stream:
            pass
    assert followed[0].sent == len(mock.requests) > 0
    assert [note[0] for note in notes[:2]] == ["of the account", "own"]
    assert ("of the account", "account closed", "") in notes
