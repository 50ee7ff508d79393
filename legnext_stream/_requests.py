"""Single requests: the state of a job, a submit, the balance. After errors that may pass, they are repeated."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from legnext_stream._core.answers import Reply
from legnext_stream._core.model.decoding import (
    decode_amount,
    decode_body,
    decode_job,
    decode_status,
)
from legnext_stream._core.model.ids import check_job_id, is_same_id
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.pace import RequestKind
from legnext_stream._engine.account import Account, job_path
from legnext_stream._http import Request
from legnext_stream.errors import InvalidJobId, UnexpectedAnswerError


@attrs.frozen(kw_only=True)
class Balance:
    """What the account has left.

    Attributes:
        balance_usd: US dollars.
        available_credits: Credits.
        available_points: Points.
        raw: The whole answer, decoded from JSON.
    """

    balance_usd: float
    available_credits: float
    available_points: float
    raw: Mapping[str, object] = attrs.field(eq=False, repr=False)


async def get_job(account: Account, job_id: str, *, retry_for: float) -> Job:
    """Ask for the current state of a job; see `LegnextClient.get_job`."""
    request = Request("GET", job_path(job_id))
    reply = await account.request(request, RequestKind.STATUS, is_safe=True, retry_for=retry_for)
    job = _job(reply)
    if not is_same_id(job.job_id, job_id):
        raise _unexpected(reply, "the job that was asked about")
    return attrs.evolve(job, job_id=job_id)


async def submit(account: Account, request: Request, *, retry_for: float) -> Job:
    """Submit a job; see `LegnextClient.submit`."""
    reply = await account.request(request, RequestKind.SUBMIT, is_safe=False, retry_for=retry_for)
    return _job(reply)


async def balance(account: Account, *, retry_for: float) -> Balance:
    """Ask what the account has left; see `LegnextClient.balance`."""
    request = Request("GET", "/api/account/balance")
    reply = await account.request(request, RequestKind.STATUS, is_safe=True, retry_for=retry_for)
    body = decode_body(reply.content)
    data = None if body is None else body.get("data")
    if body is None or not isinstance(data, dict):
        raise _unexpected(reply, "a balance")
    numbers = {
        name: amount
        for name in ("balance_usd", "available_credits", "available_points")
        if (amount := decode_amount(data.get(name, 0))) is not None
    }
    if len(numbers) < 3:
        raise _unexpected(reply, "a balance")
    return Balance(**numbers, raw=body)


def _job(reply: Reply) -> Job:
    body = decode_body(reply.content)
    if body is None or decode_status(body.get("status")) is None:
        raise _unexpected(reply, "a job")
    try:
        # It goes into paths: the API's, and perhaps those of files.
        check_job_id(body.get("job_id"))
    except InvalidJobId:
        raise _unexpected(reply, "a job") from None
    return decode_job(body)


def _unexpected(reply: Reply, wanted: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"the host answered {reply.status_code}, but with something that is not {wanted}",
        status_code=reply.status_code,
        content=reply.content,
    )
