"""Waiting, in plain code, for what is done on the Trio side."""

from __future__ import annotations

import concurrent.futures
from typing import Final, TypeVar

from legnext_stream._bridges.trio_thread import Call, Lease

T = TypeVar("T")

INTERRUPTION: Final = BaseException
"""What ends a wait from outside: Ctrl-C, or whatever else a signal handler raises."""

LEAVING: Final = 6.0
"""How long Ctrl-C waits for what it has cancelled to be over, seconds; what is closed bounds itself
to less."""


def settle(call: Call[T], lease: Lease) -> None:
    """Wait until a call has an outcome. Whatever interrupts that, Ctrl-C for example, calls it off."""
    try:
        call.outcome.exception()
    except BaseException:
        lease.call_off(call)
        raise


def result(call: Call[T], lease: Lease) -> T:
    """Wait for what a call returns, or raises. When that is interrupted, the call is over, too.

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
    """End a lease, and wait until all is closed that was opened through it."""
    lease.end().result()
