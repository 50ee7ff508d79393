"""What came of a case: all that was told, all that was asked, and what really happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from legnext_stream import JobEvent, JobStatus, Stats
from mockserver import Change, RequestRecord
from mockserver._faults import Fault
from tests.simulation.cases import Case, Sitting

Acked: TypeAlias = Literal["no", "perhaps", "yes"]
"""Whether an event was acknowledged: perhaps, if that was broken off."""


@attrs.define
class Told:
    """An event, as a reader had it.

    Attributes:
        order: Its place among all that happened in the case.
        at: When the reader had it, seconds.
        event: The event.
        acked: Whether the reader acknowledged it.
    """

    order: int
    at: float
    event: JobEvent
    acked: Acked = "no"

    @property
    def word(self) -> str:
        """The event's status as the API writes it."""
        event = self.event
        return event.job.raw_status if event.status is JobStatus.UNKNOWN else event.status.value


@attrs.define
class Reading:
    """What one reader had of one watch.

    Attributes:
        name: Which reader: `"main"` iterates the stream, the others have subscribed to it.
        told: The events, in order.
        has_ended: Whether the reader met the end.
        error: What was raised at the reader's loop instead, or None.
    """

    name: str
    told: list[Told] = attrs.field(factory=list)
    has_ended: bool = False
    error: Exception | None = None


@attrs.define
class Sat:
    """What happened in one watch.

    Attributes:
        sitting: What was to happen.
        number: Which watch of the case it was, from 0 on.
        began: When it began, seconds.
        left: When it had been left, seconds.
        main: Who iterated the stream.
        others: Who had subscribed to it.
        asked: The ids it was told of, by the caller or by its journal.
        removed: Job id → the place of its removal among all that happened.
        never_ended: Whether it had to be broken off.
        again: What met those who asked once more after the end, the error or the close; by name.
        came_out: What came out of a body that raised, or None if that was the error itself.
        intrusions: What met the second task that asked for the next event.
        open_after: How many connections were open after its client was closed.
        most_open: The most connections that were open at one time.
        tasks_after: The library's tasks that were left after its client was closed.
        stats: Its numbers at its end.
    """

    sitting: Sitting
    number: int
    began: float
    left: float = 0.0
    main: Reading = attrs.field(factory=lambda: Reading("main"))
    others: list[Reading] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    removed: dict[str, int] = attrs.field(factory=dict)
    never_ended: bool = False
    again: dict[str, str] = attrs.field(factory=dict)
    came_out: str | None = None
    intrusions: list[str] = attrs.field(factory=list)
    open_after: int = 0
    most_open: int = 0
    tasks_after: int = 0
    stats: Stats | None = None

    @property
    def readings(self) -> list[Reading]:
        """What all its readers had."""
        return [self.main, *self.others]


@attrs.frozen
class Outcome:
    """What came of a case.

    Attributes:
        case: The case.
        sats: Its watches.
        truth: Job id → its changes, up to the end of the case.
        requests: All requests, in order.
        faults: The faults by the names of their rules.
        refused: How many connections were refused.
        seconds: How long the case took, in simulated seconds.
        crashes: Errors of the mock itself.
        warnings: What was warned of.
        journal: The requests, as bytes.
        log: What was told to whom and when, as bytes.
    """

    case: Case
    sats: list[Sat]
    truth: Mapping[str, tuple[Change, ...]]
    requests: list[RequestRecord]
    faults: Mapping[str, Fault]
    refused: int
    seconds: float
    crashes: list[Exception]
    warnings: list[str]
    journal: bytes
    log: bytes

    @property
    def restarts(self) -> int:
        """How many watches went on from a journal."""
        return len(self.sats) - 1
