"""Reading answers: what one tells about a job, a submit or the pace, by the policy in `table`.

Nothing here raises, whatever the wire brings.
"""

from __future__ import annotations

import attrs
import msgspec

from legnext_stream import errors
from legnext_stream._core.answers.reply import Answer, NoReply, Reply
from legnext_stream._core.answers.table import (
    NONSENSE,
    PollMeaning,
    SubmitMeaning,
    meaning_of,
    meaning_of_code,
)
from legnext_stream._core.model.decoding import (
    Body,
    decode_body,
    decode_job,
    decode_refusal,
    decode_status,
)
from legnext_stream._core.model.ids import check_job_id, is_same_id
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pace.hints import parse_hints
from legnext_stream._core.pace.signals import Outcome, Signal

_LONGEST_RETRY_AFTER = 300.0  # seconds


class Observation(msgspec.Struct, frozen=True):
    """What one poll, or one callback, told us about a job. A struct, like `Reply`.

    Attributes:
        job_id: The job that was asked about.
        meaning: What the answer means.
        answer: The answer itself.
        body: The job's decoded body, if it was seen.
        status: Its status, if it was seen.
        error: The answer as an error, if the job was not seen.
        recognised: Whether the answer certainly comes from the API, and not from a proxy, a captive
            portal or a wrong host.
        is_reported: Whether a callback with a valid signature reported it and no poll was made. The
            answer then only says when the callback came.
    """

    job_id: str
    meaning: PollMeaning
    answer: Answer
    body: Body | None = None
    status: JobStatus | None = None
    error: errors.LegnextError | None = None
    recognised: bool = True
    is_reported: bool = False


@attrs.frozen(kw_only=True)
class SubmitAnswer:
    """What the answer to a submit told us.

    Attributes:
        meaning: What it means.
        job: The job, if there is one.
        error: The answer as an error, if there is none.
    """

    meaning: SubmitMeaning
    job: Job | None = None
    error: errors.LegnextError | None = None


def reported(job_id: str, body: Body, status: JobStatus, received_at: float) -> Observation:
    """What a callback with a valid signature told us.

    Args:
        job_id: The job that it is about.
        body: The job, decoded.
        status: Its status.
        received_at: When the callback came, in seconds on the clock of the Trio run.
    """
    answer = Reply(200, {}, b"", received_at, received_at)
    return Observation(job_id, PollMeaning.SEEN, answer, body, status, is_reported=True)


def read_poll(job_id: str, answer: Answer) -> Observation:
    """Read the answer to a status request."""
    if isinstance(answer, NoReply):
        poll, error = meaning_of(answer).poll, error_of(answer)
        return Observation(job_id, poll, answer, error=error, recognised=False)
    body = decode_body(answer.content)
    code = answer.status_code
    if 200 <= code < 300:
        if body is None:
            return _nonsense(job_id, answer, "an answer that is not JSON")
        if is_same_id(body.get("job_id"), job_id):
            status = decode_status(body.get("status"))
            if status is None:
                return _nonsense(job_id, answer, "a job without a status")
            return Observation(job_id, PollMeaning.SEEN, answer, body, status)
        refused = _refusal_code(body)
        if refused is None:
            return _nonsense(job_id, answer, "an answer about something else")
        code = refused
    error = _refusal(code, answer.content, body)
    recognised = body is not None and not _is_redirect(code)
    return Observation(
        job_id, meaning_of_code(code).poll, answer, error=error, recognised=recognised
    )


def read_submit(answer: Answer) -> SubmitAnswer:
    """Read the answer to a submit."""
    if isinstance(answer, NoReply):
        return SubmitAnswer(meaning=meaning_of(answer).submit, error=error_of(answer))
    body = decode_body(answer.content)
    code = answer.status_code
    if 200 <= code < 300:
        job = None if body is None else _new_job(body)
        if job is not None:
            return SubmitAnswer(meaning=SubmitMeaning.MADE, job=job)
        refused = None if body is None else _refusal_code(body)
        if refused is None:
            error = _unexpected(
                f"the host answered {code}, but with something that is not a job", answer
            )
            return SubmitAnswer(meaning=NONSENSE.submit, error=error)
        code = refused
    error = _refusal(code, answer.content, body)
    return SubmitAnswer(meaning=meaning_of_code(code).submit, error=error)


def signal_of(
    answer: Answer, *, limited: bool | None = None, sent_at: float | None = None
) -> Signal:
    """What the pacer learns from an answer.

    Args:
        answer: The answer.
        limited: Whether it is a refusal for too many requests; None if its HTTP status says so.
            The body may say so whatever the status is. A submit may have been refused for too many
            jobs at once, which is no matter of the pace.
        sent_at: When the pacer was told that the request starts, in seconds; None if that is when it
            was sent.
    """
    sent_at = answer.sent_at if sent_at is None else sent_at
    latency = answer.received_at - sent_at
    outcome = meaning_of(answer).pace
    if isinstance(answer, NoReply):
        return Signal(outcome, None, sent_at, latency)
    if limited:
        outcome = Outcome.LIMITED
    elif limited is False and outcome is Outcome.LIMITED:
        outcome = Outcome.ANSWERED
    return Signal(outcome, parse_hints(answer.headers, answer.wall_time), sent_at, latency)


def retry_after(answer: Answer) -> float:
    """How long an answer asks us to wait, in seconds; 0 if it doesn't. At most five minutes."""
    if isinstance(answer, NoReply):
        return 0.0
    seconds = parse_hints(answer.headers, answer.wall_time).retry_after
    return 0.0 if seconds is None else min(seconds, _LONGEST_RETRY_AFTER)


def error_of(answer: Answer, *, is_safe: bool = True) -> errors.LegnextError:
    """The exception that stands for an answer that is no success.

    Args:
        answer: The answer.
        is_safe: Whether repeating the request does no harm.
    """
    if isinstance(answer, Reply):
        return _refusal(answer.status_code, answer.content, decode_body(answer.content))
    if is_safe or not answer.was_sent:
        return errors.HostUnreachableError(answer.reason)
    return errors.SubmitUnknownError(f"{answer.reason}; the job may exist all the same")


def _is_redirect(code: int) -> bool:
    return 300 <= code < 400


def _refusal(code: int, content: bytes, body: Body | None) -> errors.LegnextError:
    """The exception for an answer with this code and body."""
    text = f"the API answered {code}"
    if _is_redirect(code):
        text = f"the host gave a redirect ({code}), which is never followed"
    refusal = decode_refusal(body)
    if refusal is not None:
        text = f"{text}: {refusal}"
    return meaning_of_code(code).error(text, status_code=code, content=content)


def _refusal_code(body: Body) -> int | None:
    """The code of a refusal that came with status 200; None if the body is no refusal."""
    refusal = None if body.get("job_id") else decode_refusal(body)
    return refusal.code if refusal is not None and 400 <= refusal.code < 600 else None


def _nonsense(job_id: str, reply: Reply, what: str) -> Observation:
    error = _unexpected(f"the host gave {what}", reply)
    return Observation(job_id, NONSENSE.poll, reply, error=error, recognised=False)


def _unexpected(text: str, reply: Reply) -> errors.LegnextError:
    return NONSENSE.error(text, status_code=reply.status_code, content=reply.content)


def _new_job(body: Body) -> Job | None:
    """The job that a submit has made; None if the body is no job."""
    if decode_status(body.get("status")) is None:
        return None
    try:
        # The id becomes part of URL paths, and perhaps of file names.
        check_job_id(body.get("job_id"))
    except errors.InvalidJobId:
        return None
    return decode_job(body)
