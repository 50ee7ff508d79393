"""What a replay does with each request.

The scripts of the recorded jobs cover most answers. Whatever they can't cover is tied to the request
it was recorded for: the third request for a job is answered as the third was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import msgspec

from mockserver._api.routes import job_id_in
from mockserver._faults import ConnectionFault
from mockserver._faults.connection import EmptyAnswer, Reset, Silence
from mockserver._replay.lives import RecordedJob
from mockserver._replay.reading import job_object
from mockserver._replay.transcript import Exchange

if TYPE_CHECKING:
    from mockserver._replay.transcript import Transcript

_JSON: Final = "application/json"
# Errors by which a client ends a request itself: the server may well have answered.
_GAVE_UP: Final = frozenset({"Cancelled", "CancelledError"})

NEVER_ARRIVED: Final = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "LocalProtocolError",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
    }
)
"""The errors that end a request before the server has seen it."""

Asked: TypeAlias = tuple[str, str, bytes]
"""What identifies a request: method, path, and the parameters in a canonical form."""


def asked(method: str, path: str, body: bytes) -> Asked:
    """What identifies a request; its path is without the query.

    A body that isn't JSON is ignored, as transcripts have no such bodies.
    """
    try:
        params = msgspec.json.encode(msgspec.json.decode(body), order="sorted") if body else b""
    except ValueError:
        params = b""
    return method, path, params


@attrs.frozen
class Cue:
    """What happens to one request.

    Attributes:
        exchange: The recorded exchange.
        job: The job that the request made, or None.
        as_recorded: Whether the answer is the recorded one; otherwise the world gives it.
        fault: The fault of the connection, or None.
    """

    exchange: Exchange
    job: RecordedJob | None
    as_recorded: bool
    fault: ConnectionFault | None

    @property
    def seconds(self) -> float:
        """How long the answer takes, in the world's seconds."""
        answered_at = self.exchange.answered_at
        return 0.0 if answered_at is None else answered_at - self.exchange.at


def _fault_of(error: str) -> ConnectionFault | None:
    """The fault that gives the client the same error again."""
    if not error or error in _GAVE_UP:
        return None
    if error.endswith("Timeout"):
        return Silence()
    return Reset() if error in {"ReadError", "WriteError"} else EmptyAnswer()


def _cue(exchange: Exchange, jobs: Mapping[str, RecordedJob]) -> Cue:
    seen = job_object(exchange)
    job = None if seen is None else jobs[str(seen["job_id"])]
    made = None
    is_as_scripted = False
    if exchange.method == "POST":
        if job is not None and job.submitted_at == exchange.answered_at:
            made = job
    elif seen is not None and job is not None and exchange.answered_at is not None:
        is_as_scripted = (
            job_id_in(exchange.path) is not None
            and (exchange.header("content-type") or _JSON).startswith(_JSON)
            and job.status_at(exchange.answered_at) == seen["status"]
            and (seen["status"] != "completed" or _has_output(seen))
        )
    return Cue(
        exchange=exchange,
        job=made,
        as_recorded=exchange.status_code is not None and not is_as_scripted,
        fault=_fault_of(exchange.error),
    )


def _has_output(job: Mapping[str, object]) -> bool:
    output = job.get("output")
    return isinstance(output, Mapping) and any(output.values())


class Cues:
    """The cues of a recording; each is used once."""

    def __init__(self, transcript: Transcript, jobs: Mapping[str, RecordedJob]) -> None:
        self._cues: dict[Asked, list[Cue]] = {}
        self._taken: dict[Asked, int] = {}
        for exchange in transcript.exchanges:
            if exchange.error not in NEVER_ARRIVED:
                key = asked(exchange.method, exchange.path, exchange.sent)
                self._cues.setdefault(key, []).append(_cue(exchange, jobs))

    def take(self, key: Asked) -> Cue | None:
        """The cue for the next such request, or None if the recording has no more of them."""
        cues = self._cues.get(key, ())
        taken = self._taken.get(key, 0)
        if taken >= len(cues):
            return None
        self._taken[key] = taken + 1
        return cues[taken]

    def snapshot(self) -> Mapping[Asked, int]:
        """How many cues of each kind have been used, to return to."""
        return dict(self._taken)

    def restore(self, snapshot: Mapping[Asked, int]) -> None:
        """Return to a snapshot."""
        self._taken = dict(snapshot)
