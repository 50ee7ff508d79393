"""The public names of `legnext_stream`."""

from __future__ import annotations

import re
from importlib.metadata import version

import attrs
import pytest

import legnext_stream
from legnext_stream import errors


def test_all_is_all() -> None:
    """`__all__` is sorted, and each of its names exists and is documented."""
    assert legnext_stream.__all__ == sorted(legnext_stream.__all__)
    for name in legnext_stream.__all__:
        thing = getattr(legnext_stream, name)
        assert isinstance(thing, str) or thing.__doc__


def test_the_version() -> None:
    """`__version__` is that of the distribution."""
    assert legnext_stream.__version__ == version("legnext-stream")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", legnext_stream.__version__)


@pytest.mark.parametrize(
    "kind", [thing for thing in vars(errors).values() if isinstance(thing, type)]
)
def test_one_root_for_all_errors(kind: type[Exception]) -> None:
    """Each error is public, and is caught by `except LegnextError`."""
    assert issubclass(kind, legnext_stream.LegnextError)
    assert getattr(legnext_stream, kind.__name__) is kind


@pytest.mark.parametrize(
    "kind",
    [
        legnext_stream.Balance,
        legnext_stream.Job,
        legnext_stream.JobError,
        legnext_stream.JobEvent,
        legnext_stream.Output,
        legnext_stream.Pacing,
        legnext_stream.Stats,
        legnext_stream.Usage,
    ],
)
def test_values_are_frozen(kind: type) -> None:
    """Public values are immutable."""
    assert attrs.has(kind)
    assert kind.__setattr__ is not object.__setattr__
