"""How many requests a second the mock server answers, over sockets and in memory.

python -m benchmarks.mock_server
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

import attrs
import httpx
import trio

from mockserver import MockLegnext, run_virtual
from mockserver._faults import Faults
from mockserver._serving.clocks import WorldClock
from mockserver._serving.network.acceptor import Door
from mockserver._serving.network.sockets import serve_app

_HELP = """\
Count the requests a second that the mock server answers.

Over sockets, `GET /api/v1/job/{job_id}` is compared with a constant answer of the same size, from an
application that does nothing, on the same server in the same process. Rounds of the two alternate, and
the figure is the median of their ratios, so that other load on the machine affects both. If hypercorn
is installed, its Trio worker serves the constant answer as well. The client is another process, which
writes bytes, looks for the ends of answers, and keeps all connections busy.

In memory, an httpx client polls one job after another, all in one thread.
"""
_CONNECTIONS: Final = 8
_HOST: Final = "127.0.0.1"
_JOB: Final = "GET job"
_CONSTANT: Final = "constant answer"
_HYPERCORN: Final = "constant answer, hypercorn"


@attrs.frozen
class Figures:
    """The measurements.

    Attributes:
        sockets: Requests a second of each round, by route.
        ratio: The median of the ratios of a round of `GET job` to its constant answer's.
        memory: Requests in one second of real time in memory, of each round.
    """

    sockets: dict[str, list[float]]
    ratio: float
    memory: list[float]


class Constant:
    """An ASGI application that gives the same answer to everything.

    Args:
        headers: The answer's headers.
        body: Its body.
    """

    def __init__(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._headers = headers
        self._body = body

    async def __call__(self, _scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        """Answer."""
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def _serve(parent: Connection) -> None:
    """The server's process: send the ports and a job's id, then serve until the parent says stop."""
    trio.run(_serve_all, parent)


async def _serve_all(parent: Connection) -> None:
    mock = MockLegnext(clock=time.monotonic)
    (job_id,) = mock.add_jobs(1)
    async with httpx.AsyncClient(transport=mock.transport()) as client:
        answer = await client.get(f"http://mock/api/v1/job/{job_id}", headers={"x-api-key": "k"})
    constant = Constant(answer.headers.raw, answer.content)
    door = Door(Faults(), WorldClock(time.monotonic, 1.0), knows_requests=True)
    ports = {}
    async with contextlib.AsyncExitStack() as stack:
        urls = {
            _JOB: await stack.enter_async_context(mock.serve()),
            _CONSTANT: await stack.enter_async_context(
                serve_app(constant, _HOST, 0, on_crash=mock.crashes.append, door=door)
            ),
        }
        ports = {name: int(url.rpartition(":")[2]) for name, url in urls.items()}
        if importlib.util.find_spec("hypercorn"):
            nursery = await stack.enter_async_context(trio.open_nursery())
            stack.callback(nursery.cancel_scope.cancel)
            ports[_HYPERCORN] = await _start_hypercorn(nursery, constant)
        parent.send((ports, job_id))
        await trio.to_thread.run_sync(parent.recv, abandon_on_cancel=True)
    parent.send([repr(crash) for crash in mock.crashes])


async def _start_hypercorn(nursery: trio.Nursery, app: Constant) -> int:
    """Have hypercorn's Trio worker serve the application; return its port."""
    # Imported by name: it isn't a dependency of the project.
    serve = importlib.import_module("hypercorn.trio").serve
    config = importlib.import_module("hypercorn.config").Config()
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
        config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "ERROR"
    config.keep_alive_max_requests = 2**31
    await nursery.start(partial(serve, app, config, mode="asgi"))
    return port


def _requests_a_second(port: int, job_id: str, seconds: float) -> float:
    """Keep connections to a port busy; return the number of answers a second."""
    request = f"GET /api/v1/job/{job_id} HTTP/1.1\r\nhost: a\r\nx-api-key: k\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection((_HOST, port)))
            for _ in range(_CONNECTIONS)
        ]
        # The first answer on each shows the length of all of them.
        for connection in connections:
            connection.sendall(request)
        sizes = [_size_of_answer(connection) for connection in connections]
        answers = 0
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            for connection in connections:
                connection.sendall(request)
            for connection, size in zip(connections, sizes, strict=True):
                connection.recv(size, socket.MSG_WAITALL)
            answers += len(connections)
        return answers / (time.perf_counter() - begun)


def _size_of_answer(connection: socket.socket) -> int:
    """Read an answer; return its size in bytes."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"no answer to measure: {head.decode()}")
    (length,) = (
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    connection.recv(length - len(body), socket.MSG_WAITALL)
    return len(head) + 4 + length


def measure_sockets(rounds: int, seconds: float) -> dict[str, list[float]]:
    """Requests a second over sockets, by route, in alternating rounds."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=_serve, args=(theirs,))
    server.start()
    ports, job_id = ours.recv()
    rates: dict[str, list[float]] = {name: [] for name in ports}
    try:
        for port in ports.values():
            _requests_a_second(port, job_id, min(seconds, 0.3))  # to warm up
        for _ in range(rounds):
            for name, port in ports.items():
                rates[name].append(_requests_a_second(port, job_id, seconds))
    finally:
        ours.send("stop")
        crashes = ours.recv()
        server.join()
    if crashes:
        raise RuntimeError(f"bugs inside the mock server: {crashes}")
    return rates


def measure_memory(requests: int) -> float:
    """Requests of one httpx client in one second of real time, in memory and virtual time."""
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)

    async def ask() -> None:
        async with httpx.AsyncClient(
            transport=mock.transport(), base_url="http://mock", headers={"x-api-key": "k"}
        ) as client:
            for _ in range(requests):
                (await client.get(f"/api/v1/job/{job_id}")).raise_for_status()

    begun = time.perf_counter()
    run_virtual(ask)
    return requests / (time.perf_counter() - begun)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mock_server",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rounds", type=int, default=9, help="rounds, after the warm-up (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="seconds of a round over sockets (%(default)s)"
    )
    parser.add_argument(
        "--requests", type=int, default=2000, help="requests of a round in memory (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    for name in ("rounds", "seconds", "requests"):
        if getattr(options, name) <= 0:
            parser.error(f"--{name} must be above 0")
    return options


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark and print its figures."""
    options = _parse(arguments)
    sockets = measure_sockets(options.rounds, options.seconds)
    pairs = zip(sockets[_JOB], sockets[_CONSTANT], strict=True)
    figures = Figures(
        sockets,
        statistics.median(job / constant for job, constant in pairs),
        [measure_memory(options.requests) for _ in range(options.rounds)],
    )
    if options.json:
        print(json.dumps(attrs.asdict(figures), indent=2))
        return
    rows = {**figures.sockets, "in memory, through httpx": figures.memory}
    print(f"{'requests a second':30}  median     min     max")
    for name, rates in rows.items():
        print(
            f"{name:30}  {statistics.median(rates):6,.0f}  {min(rates):6,.0f}  {max(rates):6,.0f}"
        )
    print(f"\nGET job compared with the constant answer: {figures.ratio:.0%}")


if __name__ == "__main__":
    main(sys.argv[1:])
