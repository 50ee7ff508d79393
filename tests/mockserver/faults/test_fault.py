"""What follows from the class of a fault."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mockserver
from mockserver import MockLegnext
from mockserver._faults import FAULTS, Fault
from mockserver._faults.fault import Answered, ErrorWriter, Pace, Replaces, kinds_in
from mockserver._world.kinds import _KINDS, kind_of, kinds_of, tried
from mockserver.strategies import faults
from tests.mockserver.faults.support import ask
from tests.mockserver.strategies.finding import plainest


@pytest.fixture
def teapot() -> Iterator[type[Fault]]:
    """A kind of fault that is defined by its class alone."""

    @attrs.frozen
    class Teapot(Replaces):
        code: int = attrs.field(default=418, metadata=tried(418, 419))

        def answer(self, write_error: ErrorWriter) -> Answered:
            return Answered(self.code, (), write_error(self.code, "short and stout"))

    try:
        yield Teapot
    finally:
        _KINDS[Fault].remove(Teapot)


def test_the_class_is_all_there_is_to_a_kind(teapot: type[Fault]) -> None:
    """Once its class is defined, a kind is known by its name, acts, and has examples."""
    assert kinds_in(__name__) == (teapot,)
    mock = MockLegnext(faults=[teapot()])
    (answer,) = ask(mock, "/api/account/balance")
    assert (answer.status_code, answer.json()["message"]) == (418, "short and stout")
    assert mock.requests[0].faults == ("teapot",)
    assert plainest(faults([teapot])) == teapot()
    assert plainest(faults([teapot]), lambda fault: fault != teapot()) == teapot(419)  # type: ignore[call-arg] # of its own class


@pytest.mark.parametrize("fault", FAULTS, ids=kind_of)
def test_every_kind_is_public(fault: type[Fault]) -> None:
    """A kind can be imported from the package itself."""
    assert getattr(mockserver, fault.__name__) is fault


def test_every_kind_is_in_its_group() -> None:
    """No kind is defined in a module that doesn't list its kinds."""
    assert set(FAULTS) == set(kinds_of(Fault))


@given(st.integers(1, 10_000), st.floats(0, 100), st.floats(0.1, 1e9))
def test_the_wait_of_a_pace(size: int, every: float, rate: float) -> None:
    """A piece waits for its turn, and for its bytes."""
    assert Pace(size, every).wait(size) == every
    assert Pace(size, rate=rate).wait(size) == size / rate
    assert Pace(size, every, rate).wait(size) == every + size / rate
