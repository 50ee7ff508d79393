"""Applies the faults of a request to its job, its answer and its connection.

Which faults these are is in the request's `Plan`, made when it arrives.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from mockserver._api.wire import error_body
from mockserver._faults import CONNECTION, Connection, ConnectionFault, Rule
from mockserver._faults.fault import (
    WITHOUT_BODY,
    Answered,
    Damages,
    Misleads,
    Reading,
    Replaces,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mockserver._serving.service import Service
    from mockserver._world.jobs import JobView

MISLEADING: Final = "legnext_mock.misleading"
"""The key of a request's scope under which the gate leaves rules for `reported_job`."""

CANT_FAIL: Final = "this server can't apply faults to connections"
"""The error of a request that has no `Connection`, but a fault for it."""

# Padding is sent in pieces of this size.
_PIECE: Final = b" " * 65536


def reported_job(service: Service, scope: Scope, job_id: str, at: float) -> JobView | None:
    """The job to report in the answer to a status request; None for no such job.

    It is the job as it is, unless the request has a fault that misleads.
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


def replacement_for(replacement: Replaces, service: Service) -> ASGIApp:
    """The application that answers in place of the API; its errors look like those of the API."""

    def write_error(code: int, message: str) -> bytes:
        return error_body(code, message, quirks=service.quirks)

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _send_whole(replacement.answer(write_error), send)

    return answer


def damaging(damages: tuple[Damages, ...], send: Send) -> Send:
    """A `send` that waits for the whole answer, damages it, and passes it to `send`."""
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


def fail_connection(faults: tuple[ConnectionFault, ...], scope: Scope) -> bool:
    """Apply faults to the connection during the answer; False if this isn't the mock's own server."""
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is None:
        return False
    for fault in faults:
        connection.fail_with(fault)
    return True
