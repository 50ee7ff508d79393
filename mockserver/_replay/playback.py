"""Replaying a recording: a mock in which the recorded jobs and answers happen again.

Jobs follow scripts made from the recording, so a client can ask about them at any time. What a
script can't express (a refusal, an outage, a stale answer) is tied to the request it was recorded
for: the third request for a job is answered as the third was.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec
from starlette.responses import Response

from mockserver._api.answers import error_answer
from mockserver._faults.fault import WITHOUT_BODY
from mockserver._mock import MockLegnext
from mockserver._replay.cues import Cues, asked
from mockserver._replay.lives import RecordedJob
from mockserver._replay.reading import calendar_of, jobs_of
from mockserver._replay.redaction import redact_body, redact_url
from mockserver._replay.transcript import Transcript
from mockserver._serving.applied_faults import CANT_FAIL, fail_connection
from mockserver._serving.gate import MADE_JOB

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mockserver._replay.transcript import Exchange
    from mockserver._serving.service import Service

# A longer body passes unread, as transcripts don't have such bodies.
_MOST_BYTES: Final = 1_000_000


class Playback:
    """ASGI middleware between the gate and the routes that answers as recorded."""

    def __init__(self, app: ASGIApp, service: Service, cues: Cues) -> None:
        self._app = app
        self._service = service
        self._cues = cues

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = redact_url(raw.decode("ascii", "replace"))
        body: bytes | None = b""
        if scope["method"] != "GET":
            body, receive = await _read(receive)
        cue = None
        if body is not None:
            cue = self._cues.take(asked(scope["method"], path, redact_body(body)))
        if body is None or cue is None:
            await self._app(scope, receive, send)
            return
        if cue.seconds:
            await anyio.sleep(cue.seconds / self._service.now.time_scale)
        if cue.fault is not None and not fail_connection((cue.fault,), scope):
            await error_answer(500, "Fault not possible", CANT_FAIL)(scope, receive, send)
            return
        if cue.job is not None:
            self._add(cue.job, body)
            scope[MADE_JOB] = cue.job.job_id
        if cue.as_recorded:
            await _recorded_answer(cue.exchange)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _add(self, job: RecordedJob, body: bytes) -> None:
        world = self._service.world
        if job.job_id in world:
            return
        world.add_job(
            job.task_type,
            at=self._service.now(),
            script=job.script,
            job_id=job.job_id,
            callback=_callback(body),
        )


def _callback(body: bytes) -> str:
    """The callback URL among the parameters of a submit; empty for none."""
    params: object = msgspec.json.decode(body) if body else None
    callback = params.get("callback") if isinstance(params, dict) else None
    return callback if isinstance(callback, str) else ""


async def _read(receive: Receive) -> tuple[bytes | None, Receive]:
    """Read a request's body, and return it with a `receive` by which a route can read it again.

    The body is None if it is too long, or if its client left before the end.
    """
    messages: deque[Message] = deque()
    body, more = bytearray(), True
    while more and len(body) <= _MOST_BYTES:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    is_whole = not more and messages[-1]["type"] == "http.request"

    async def again() -> Message:
        return messages.popleft() if messages else await receive()

    return (bytes(body) if is_whole else None), again


def _recorded_answer(exchange: Exchange) -> Response:
    # The gate writes today's date.
    headers = {name: value for name, value in exchange.headers if name != "date"}
    code = exchange.status_code or 200
    return Response(b"" if code in WITHOUT_BODY else exchange.body, code, headers)


def replaying(
    recording: Transcript,
    **settings: Any,  # noqa: ANN401 - whatever MockLegnext takes
) -> MockLegnext:
    """Make a mock in which what was recorded happens again.

    The same requests at the same times get the same answers at the same times, and leave the same
    journal. Other requests are answered as by any mock; jobs change as they did in the recording.

    Args:
        recording: The transcript. A job is there from the start, or from when it is submitted again
            with the same parameters, as in the recording.
        **settings: Settings of `MockLegnext`, in place of those that the recording gives.
    """
    jobs = jobs_of(recording)
    mock = MockLegnext(**{"slots": None, "epoch": calendar_of(recording), **settings})
    for job in jobs.values():
        if job.submitted_at is None:
            mock.add_job(job.script, job.task_type, job.job_id)
    cues = Cues(recording, jobs)
    # Right behind the gate, which writes the journal, and before everything that answers.
    playback = partial(Playback, service=mock._service, cues=cues)  # noqa: SLF001 - of this package
    mock._replay(cues, playback)  # noqa: SLF001 - of this package
    return mock
