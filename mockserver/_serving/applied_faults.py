"""Carries out what the faults that a request meets do to its job, its answer and its connection.

What that is, a `Plan` says, which is made when the request arrives.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from mockserver._api.wire import error_body
from mockserver._faults import LINE, ConnectionFault, Line, Rule
from mockserver._faults.fault import (
    WITHOUT_BODY,
    Answered,
    Damages,
    Misleads,
    Reading,
    Replaces,
)

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from mockserver._serving.service import Service
    from mockserver._world import JobView

MISLEADING: Final = "legnext_mock.misleading"
"""The key of a request's scope under which the gate leaves the rules that `told_job` follows."""

NO_LINE: Final = "this server can't do the fault of the connection that was selected"
"""What a request is answered where `break_line` can't be followed."""

# Spaces are sent in pieces of this size, in bytes.
_PIECE: Final = b" " * 65536


def told_job(service: Service, scope: Scope, job_id: str, at: float) -> JobView | None:
    """The job that a status request is told of, or None for none.

    That is the job as it is, unless the request meets a fault that misleads.

    Args:
        service: What is asked.
        scope: The request.
        job_id: The job that it asks for.
        at: When, in seconds since the world's start.
    """
    world = service.world
    if job_id not in world:
        return None
    job: JobView | None = world.job(job_id, at)
    rule: Rule
    for rule in scope.get(MISLEADING, ()):
        if job is None or not isinstance(rule.fault, Misleads):
            break
        number = partial(service.faults.count, rule, "readings", job_id)
        job = rule.fault.reported(job, Reading(world, at, number))
    return job


class Whole:
    """An ASGI application that gives one answer, whatever is asked.

    Args:
        answered: The answer.
    """

    def __init__(self, answered: Answered) -> None:
        self._answered = answered

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await _send_whole(self._answered, send)


def replacement_for(replacement: Replaces, service: Service) -> Whole:
    """What answers in the place of the API; its errors look like those of the API."""

    def write_error(code: int, message: str) -> bytes:
        return error_body(code, message, quirks=service.quirks)

    return Whole(replacement.answer(write_error))


def damaging(damages: tuple[Damages, ...], send: Send) -> Send:
    """A `send` that damages the answer as a whole before it goes on to `send`."""
    start: Message = {}
    parts: list[bytes] = []

    async def hold(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        answered = Answered(
            start["status"],
            tuple(field for field in start["headers"] if field[0] != b"content-length"),
            b"".join(parts),
        )
        for damage in damages:
            answered = damage.damage(answered)
        await _send_whole(answered, send)

    return hold


async def _send_whole(answered: Answered, send: Send) -> None:
    has_body = answered.status not in WITHOUT_BODY
    headers = list(answered.headers)
    if has_body:
        length = len(answered.body) + answered.padding
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    left = answered.padding if has_body else 0
    body = answered.body if has_body else b""
    await send({"type": "http.response.body", "body": body, "more_body": left > 0})
    while left > 0:
        piece = _PIECE[:left]
        left -= len(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": left > 0})


def break_line(connection: tuple[ConnectionFault, ...], scope: Scope) -> bool:
    """Tell the server what the connection is to do with the coming answer.

    Returns:
        Whether the server can do it; one that isn't the mock's own can't.
    """
    line: Line | None = scope.get("extensions", {}).get(LINE)
    if line is None:
        return False
    for fault in connection:
        line.fail_with(fault)
    return True
