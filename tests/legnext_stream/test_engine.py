"""The engine: how its errors come out, and whom it lets take turns."""

from __future__ import annotations

import trio

from legnext_stream import AuthenticationError, LegnextClient, ServerError
from legnext_stream.engine import _SLICE, bare
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY, URL


def test_one_error_comes_out_bare() -> None:
    """Alone, in a group, in a group of groups: it is the error itself."""
    error = ValueError("x")
    assert bare(error) is error
    assert bare(ExceptionGroup("", [error])) is error
    assert bare(ExceptionGroup("", [ExceptionGroup("", [error])])) is error


def test_many_of_a_kind_are_one() -> None:
    """A refused key is refused to each poll under way: the first stands for all."""
    refused = [AuthenticationError(str(number)) for number in range(3)]
    assert bare(ExceptionGroup("", refused)) is refused[0]


def test_errors_of_several_kinds_are_all_told() -> None:
    """Then the group stays, for none of them stands for the others."""
    group = ExceptionGroup("", [AuthenticationError("a"), ServerError("b")])
    assert bare(group) is group


async def test_taking_in_lets_others_have_their_turn() -> None:
    """A long list does not keep the rest of the program waiting until all of it is taken in."""
    mock = MockLegnext()
    ids = [f"job-{number}" for number in range(10 * _SLICE)]
    async with LegnextClient(KEY, URL, mock.transport()) as client, client.watch(ids) as stream:
        seen = set()
        while (unseen := stream.stats.unseen) < len(ids):
            seen.add(unseen)
            await trio.lowlevel.checkpoint()
        assert len(seen) >= 5
