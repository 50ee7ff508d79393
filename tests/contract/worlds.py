"""Generated worlds: jobs with lifecycles, limits, latencies, faults, and consumers of every speed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import attrs
import trio
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from legnext_stream import JobEvent, LegnextClient, Pacing, Stats
from mockserver import Lognormal, MockLegnext, Script, TokenBucket
from mockserver._serving.network import MemoryBackend, MemoryTransport, serve_connection

KEY = "lk-of-the-contract"
URL = "http://world.test"
_JOB = "/api/v1/job/"
_HTML = b"<html><title>Just a moment...</title></html>"
# Some ids belong to no job, which the API says each time.
_NOBODY = "00000000-0000-4000-8000-{:012d}"


class HungUpError(Exception):
    """Ends a connection in the middle of an answer; not a bug of the mock."""


@attrs.frozen
class World:
    """One generated world, and how it is watched.

    Attributes:
        seed: Of the mock, and of the faults.
        jobs: How many jobs have a drawn life.
        scripts: The lives of those that have a scripted one.
        nobody: How many ids stand for no job.
        slots: How many jobs run at once.
        failure_share: How many of the drawn lives end in failure.
        limit: Requests a second, and the burst; None for no limit.
        latency: Of each answer: its median, seconds; None for none.
        faults: The share of answers that are troubled; of each kind the same.
        faults_end: When the last fault has passed, seconds.
        stale: The share of answers that repeat an earlier one of the same job.
        pause: How long the consumer takes for each event, seconds.
        impatience: After how long the consumer gives up a wait and asks again, or None.
        late: How far apart the jobs come in, seconds; 0 for all at once.
        max_in_flight: How many requests may be under way.
    """

    seed: int
    jobs: int
    scripts: tuple[Script, ...]
    nobody: int
    slots: int | None
    failure_share: float
    limit: tuple[float, int] | None
    latency: float | None
    faults: float
    faults_end: float
    stale: float
    pause: float
    impatience: float | None
    late: float
    max_in_flight: int


@attrs.frozen
class Outcome:
    """The result of watching a world.

    Attributes:
        events: All events, as delivered.
        truth: Job id → its true changes.
        asked: All ids that were watched.
        stats: The statistics of the watch at its end.
        journal: The mock's journal, byte for byte.
    """

    events: list[JobEvent]
    truth: Mapping[str, tuple[tuple[float, str], ...]]
    asked: list[str]
    stats: Stats
    journal: bytes


scripts = st.builds(
    lambda words, seconds, end, takes_slot: Script(
        [
            *((word, seconds[number % len(seconds)]) for number, word in enumerate(words)),
            end,
        ],
        takes_slot=takes_slot,
    ),
    st.sampled_from(
        [
            ("pending",),
            ("processing",),
            ("pending", "processing"),
            ("pending", "staged", "processing"),
            ("staged", "processing", "retry"),
            ("pending", "paused", "processing"),
            ("queued-elsewhere", "pending"),
            ("retry",),
            (),
        ]
    ),
    st.lists(st.sampled_from([0.2, 1.0, 7.5, 40.0, 200.0]), min_size=1, max_size=3),
    st.sampled_from(["completed", "failed"]),
    st.booleans(),
)

worlds = st.builds(
    World,
    seed=st.integers(0, 2**32),
    jobs=st.sampled_from([0, 1, 2, 5, 12, 40]),
    scripts=st.lists(scripts, max_size=5).map(tuple),
    nobody=st.sampled_from([0, 0, 1, 3]),
    slots=st.sampled_from([None, 1, 3, 12]),
    failure_share=st.sampled_from([0.0, 0.2, 1.0]),
    limit=st.sampled_from([None, None, (2.0, 1), (10.0, 10), (0.5, 5)]),
    latency=st.sampled_from([None, 0.05, 0.8]),
    faults=st.sampled_from([0.0, 0.0, 0.1, 0.5]),
    faults_end=st.sampled_from([5.0, 60.0, 300.0]),
    stale=st.sampled_from([0.0, 0.0, 0.3]),
    pause=st.sampled_from([0.0, 0.0, 0.3, 10.0]),
    impatience=st.sampled_from([None, None, 0.4]),
    late=st.sampled_from([0.0, 0.0, 5.0]),
    max_in_flight=st.sampled_from([1, 4, 32]),
)


class Faults:
    """ASGI middleware that disturbs answers: 5xx, 408, 429, HTML pages, silence, truncated answers.

    The fault of an answer depends on the seed, the path, and the number of previous requests for it.

    Args:
        app: The mock.
        world: The world that defines the faults.
    """

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world
        self._asked: Counter[str] = Counter()
        self._said: dict[str, list[bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with or without a fault."""
        path: str = scope["path"]
        self._asked[path] += 1
        chance = random.Random(f"{self._world.seed} {path} {self._asked[path]}")
        if trio.current_time() < self._world.faults_end and chance.random() < self._world.faults:
            await self._fail(chance, send)
            return
        if self._said.get(path) and chance.random() < self._world.stale:
            await _answer(send, 200, chance.choice(self._said[path]))
            return
        is_good = False

        async def remember(message: Message) -> None:
            nonlocal is_good
            if message["type"] == "http.response.start":
                is_good = message["status"] == 200
            elif is_good and b'"completed"' not in message["body"]:
                self._said.setdefault(path, []).append(message["body"])
            await send(message)

        await self._app(scope, receive, remember)

    async def _fail(self, chance: random.Random, send: Send) -> None:
        match chance.randrange(8):
            case 0:
                await _answer(send, 503, b'{"code":503,"message":"overloaded"}')
            case 1:
                await _answer(send, 500, b'{"error":{"code":500,"message":"oh"}}')
            case 2:
                await _answer(send, 502, _HTML)
            case 3:
                await _answer(send, 200, _HTML)
            case 4:
                await _answer(send, 408, b"")
            case 5:
                headers = [(b"retry-after", b"3")]
                await _answer(send, 429, b'{"code":429,"message":"slow down"}', headers)
            case 6:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b'{"job', "more_body": True})
                raise HungUpError
            case _:
                await trio.sleep(30)
                await _answer(send, 500, b"too late")


async def _answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send(
        {"type": "http.response.start", "status": status, "headers": [length, *(headers or [])]}
    )
    await send({"type": "http.response.body", "body": body})


@attrs.frozen
class Stage:
    """A world that is ready to be watched.

    Attributes:
        world: The world.
        mock: The simulated API.
        transport: Connects to it, through the faults.
        asked: All ids, once the jobs were added.
    """

    world: World
    mock: MockLegnext
    transport: MemoryTransport
    asked: list[str] = attrs.field(factory=list)

    @property
    def pacing(self) -> Pacing:
        """The settings for when and how fast the client polls."""
        return Pacing(max_in_flight=self.world.max_in_flight)

    def ids(self) -> list[str]:
        """Add all jobs; their lifecycles start now."""
        return _ids(self.world, self.mock, self.asked)

    def outcome(self, events: list[JobEvent], stats: Stats) -> Outcome:
        """Return the outcome for the judges."""
        assert not self.mock.crashes
        truth = {job_id: tuple(changes) for job_id, changes in self.mock.truth.items()}
        return Outcome(events, truth, self.asked, stats, self.mock.requests.dump())


def stage(world: World) -> Stage:
    """Prepare a world to be watched."""
    mock = MockLegnext(
        world.seed,
        world.slots,
        run_times=Lognormal(20, 0.7),
        failure_share=world.failure_share,
        limit=None if world.limit is None else TokenBucket(*world.limit),
        latency=0.0 if world.latency is None else Lognormal(world.latency, 0.6),
    )
    app = Faults(mock.app, world)

    def note(error: Exception) -> None:
        if not isinstance(error, HungUpError):
            mock.crashes.append(error)

    async def serve(stream: trio.abc.Stream) -> None:
        await serve_connection(app, stream, note)

    return Stage(world, mock, MemoryTransport(MemoryBackend(serve)))


async def watch_world(world: World) -> Outcome:
    """Watch a world on Trio, from its beginning until its last job has ended."""
    on = stage(world)
    events: list[JobEvent] = []
    async with LegnextClient(KEY, URL, on.transport, pacing=on.pacing) as client:
        ids = _ids_one_by_one(on) if world.late else on.ids()
        async with client.watch(ids) as stream:
            while True:
                with trio.move_on_after(world.impatience or 1e9):
                    try:
                        events.append(await anext(stream))
                    except StopAsyncIteration:
                        break
                await trio.sleep(world.pause)
            stats = stream.stats
    return on.outcome(events, stats)


def _ids(world: World, mock: MockLegnext, asked: list[str]) -> list[str]:
    """Add all jobs in a mixed order; some ids occur twice."""
    lives: list[Script | int | None] = [None] * world.jobs
    lives += [*world.scripts, *range(world.nobody)]
    random.Random(world.seed).shuffle(lives)
    for life in lives:
        if isinstance(life, int):
            asked.append(_NOBODY.format(life))
        else:
            asked.append(mock.add_job(life))
    return asked + asked[::7]


async def _ids_one_by_one(on: Stage) -> AsyncIterator[str]:
    """Yield the same ids one by one while the first are already watched."""
    for job_id in on.ids():
        yield job_id
        await trio.sleep(on.world.late)
