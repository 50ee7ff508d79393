"""What one answer, or the lack of one, taught us about the job that was asked about.

What is made at each poll is a msgspec struct: frozen like the attrs classes elsewhere, and made in a
tenth of their time.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from legnext_stream import errors
from legnext_stream._core.model.decoding import Body, decode_body, decode_refusal, decode_status
from legnext_stream._core.model.ids import is_same_id
from legnext_stream._core.model.jobs import JobStatus


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer, as it came. Times in seconds on the clock of the Trio run.

    Attributes:
        status_code: The HTTP status.
        headers: The headers, names in lower case.
        content: The body, whole.
        sent_at: When the request was begun.
        received_at: When the body's last byte was in.
        wall_time: When that was by this machine's calendar, seconds since 1970: only what dates in
            the headers are compared with if the answer carries none of its own.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    sent_at: float
    received_at: float
    wall_time: float = 0.0


class NoReply(msgspec.Struct, frozen=True):
    """A request that got no usable answer. Times in seconds on the clock of the Trio run.

    Attributes:
        reason: What went wrong, naming the host.
        sent_at: When the request was begun.
        received_at: When it was given up.
        was_sent: Whether any of it may have reached the host. A request that surely did not can be
            repeated whatever it would have done.
        kind: What went wrong in one word, e.g. "ReadTimeout".
    """

    reason: str
    sent_at: float
    received_at: float
    was_sent: bool = True
    kind: str = "timeout"


Answer = Reply | NoReply


class Verdict(enum.Enum):
    """The five things an answer about one job can mean."""

    SEEN = enum.auto()
    """The job, as it is now."""
    MISSING = enum.auto()
    """No such job, or one that can't be asked about."""
    LIMITED = enum.auto()
    """Too fast: says nothing about the job."""
    TROUBLED = enum.auto()
    """Trouble that may pass: says nothing about the job."""
    DENIED = enum.auto()
    """A refusal that concerns every job."""


class Observation(msgspec.Struct, frozen=True):
    """What one poll taught us.

    Attributes:
        job_id: The job that was asked about.
        verdict: What the answer means.
        answer: The answer itself.
        body: The job's decoded body, if it was seen.
        status: Its status, if it was seen.
        error: The answer as an error, if the job was not seen.
        recognised: Whether the answer is surely the API's own, and not that of some proxy, portal
            or wrong host.
        is_told: Whether it came by itself, as a callback whose signature was checked, and no poll
            was made for it. The answer then says only when it came.
    """

    job_id: str
    verdict: Verdict
    answer: Answer
    body: Body | None = None
    status: JobStatus | None = None
    error: errors.LegnextError | None = None
    recognised: bool = True
    is_told: bool = False


def told(job_id: str, body: Body, status: JobStatus, received_at: float) -> Observation:
    """What a verified callback taught us.

    Args:
        job_id: The job that it is about.
        body: The job, decoded.
        status: Its status.
        received_at: When it came, seconds on the clock of the Trio run.
    """
    answer = Reply(200, {}, b"", received_at, received_at)
    return Observation(job_id, Verdict.SEEN, answer, body, status, is_told=True)


def read_answer(job_id: str, answer: Answer) -> Observation:
    """Say what an answer to "how is this job?" means. Never raises for what the wire brings."""
    if isinstance(answer, NoReply):
        return Observation(
            job_id,
            Verdict.TROUBLED,
            answer,
            error=errors.HostUnreachableError(answer.reason),
            recognised=False,
        )
    body = decode_body(answer.content)
    code = answer.status_code
    if 200 <= code < 300:
        if body is None:
            return _nonsense(job_id, answer, "an answer that is not JSON")
        if is_same_id(body.get("job_id"), job_id):
            status = decode_status(body.get("status"))
            if status is None:
                return _nonsense(job_id, answer, "a job without a status")
            return Observation(job_id, Verdict.SEEN, answer, body, status)
        # A refusal can come with status 200; then the body says which.
        refusal = None if body.get("job_id") else decode_refusal(body)
        if refusal is None or not 400 <= refusal.code < 600:
            return _nonsense(job_id, answer, "an answer about something else")
        code = refusal.code
    verdict = _VERDICTS.get(code, Verdict.TROUBLED)
    if 300 <= code < 400:
        return _nonsense(job_id, answer, f"a redirect ({code}), which is never followed")
    error = refusal_error(code, answer.content, body)
    return Observation(job_id, verdict, answer, error=error, recognised=body is not None)


_VERDICTS = {
    401: Verdict.DENIED,
    402: Verdict.DENIED,
    403: Verdict.DENIED,
    400: Verdict.MISSING,
    404: Verdict.MISSING,
    410: Verdict.MISSING,
    413: Verdict.MISSING,
    422: Verdict.MISSING,
    429: Verdict.LIMITED,
}

_ERRORS: Mapping[int, type[errors.ApiError]] = {
    400: errors.InvalidRequestError,
    401: errors.AuthenticationError,
    402: errors.InsufficientCreditsError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    408: errors.ServerError,
    410: errors.NotFoundError,
    413: errors.InvalidRequestError,
    422: errors.InvalidRequestError,
    429: errors.RateLimitError,
}


def refusal_error(code: int, content: bytes, body: Body | None) -> errors.ApiError:
    """The error that stands for a refusal with this HTTP status code and body."""
    refusal = decode_refusal(body)
    said = f": {refusal}" if refusal is not None else ""
    kind = _ERRORS.get(code)
    if kind is None:
        kind = errors.ServerError if 500 <= code < 600 else errors.UnexpectedAnswerError
    return kind(f"the API answered {code}{said}", status_code=code, content=content)


def _nonsense(job_id: str, reply: Reply, what: str) -> Observation:
    error = errors.UnexpectedAnswerError(
        f"the host gave {what}", status_code=reply.status_code, content=reply.content
    )
    return Observation(job_id, Verdict.TROUBLED, reply, error=error, recognised=False)
