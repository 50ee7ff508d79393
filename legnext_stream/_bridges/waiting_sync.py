"""Waiting for the Trio side in synchronous code."""

from __future__ import annotations

import concurrent.futures
from typing import Final, TypeVar

from legnext_stream._bridges.trio_thread import Call, Lease

T = TypeVar("T")

INTERRUPTION: Final = BaseException
"""What interrupts a wait: `KeyboardInterrupt`, or whatever else a signal handler raises."""

LEAVING: Final = 6.0
"""How long an interrupted call is waited for after it was cancelled, seconds. Closing a stream takes less."""


def settle(call: Call[T], lease: Lease) -> None:
    """Wait until a call is done. If the wait is interrupted, for example by Ctrl-C, cancel the call."""
    try:
        call.outcome.exception()
    except BaseException:
        lease.call_off(call)
        raise


def result(call: Call[T], lease: Lease) -> T:
    """Wait for what a call returns or raises. If interrupted, raise when the call is done.

    Raises:
        Withdrawn: The lease has ended meanwhile.
    """
    try:
        settle(call, lease)
    except BaseException:
        concurrent.futures.wait([call.outcome], LEAVING)
        raise
    return call.outcome.result()


def end(lease: Lease) -> None:
    """End a lease, and wait until everything is closed that was opened through it."""
    lease.end().result()
