"""Options that are passed on: known to type checkers, and shown as the explicit signature has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import legnext_stream
from legnext_stream import LegnextClient, aio
from legnext_stream._options import (
    AccountOptions,
    ClientOptions,
    DownloadOptions,
    GenerateFunctionOptions,
    GenerateOptions,
    WaitFunctionOptions,
    WaitOptions,
    WatchFunctionOptions,
    WatchOptions,
)
from tests.legnext_stream.support import KEY


def _types(options: type) -> dict[str, str]:
    return {name: kind.__forward_arg__ for name, kind in options.__annotations__.items()}


def _parameters(function: Callable[..., Any], *, but: str = "") -> dict[str, str]:
    parameters = inspect.signature(function).parameters.values()
    taken = (one for one in parameters if one.name not in {"self", *but.split()})
    return {one.name: one.annotation for one in taken}


@pytest.mark.parametrize(
    ("options", "function", "positional"),
    [
        (ClientOptions, LegnextClient, "api_key base_url transport"),
        (WatchOptions, LegnextClient.watch, "jobs"),
        (GenerateOptions, LegnextClient.generate, "prompts"),
        (DownloadOptions, LegnextClient.download, "job folder"),
        (WatchFunctionOptions, legnext_stream.watch, "jobs"),
        (GenerateFunctionOptions, legnext_stream.generate, "prompts"),
        (WaitFunctionOptions, legnext_stream.wait, "job"),
    ],
)
def test_the_types_are_those_of_the_signature(
    options: type, function: Callable[..., Any], positional: str
) -> None:
    """The options are exactly the keyword parameters of the function that explains them."""
    assert _types(options) == _parameters(function, but=positional)


def test_fewer_options_are_some_of_the_same() -> None:
    """`wait` takes what `watch` takes, but no journal; a function takes a key and a URL besides."""
    assert _types(WatchOptions).items() - _types(WaitOptions).items() == {
        ("journal", "str | os.PathLike[str] | None")
    }
    assert _types(AccountOptions).items() <= _parameters(LegnextClient).items()


def test_help_has_what_is_passed_on() -> None:
    """Signature and docstring have the options, each as the client's method explains it."""
    function, method = aio.gather, LegnextClient.watch
    taken = inspect.signature(function).parameters
    assert list(taken) == ["jobs", "api_key", "base_url", "timeout", "pacing", "webhooks"]
    assert taken["timeout"] == inspect.signature(method).parameters["timeout"]
    assert all(one.kind is one.KEYWORD_ONLY for one in list(taken.values())[1:])
    text, explained = inspect.getdoc(function), inspect.getdoc(method)
    assert text is not None
    assert explained is not None
    for name in ("timeout", "webhooks"):
        entry = explained.partition(f"    {name}: ")[2].partition("\n    ")[0]
        assert f"    {name}: {entry}\n" in text
    assert "LEGNEXT_API_KEY" in text
    assert "journal:" not in text
    assert text.index("Args:") < text.index("webhooks:") < text.index("Returns:\n    Every job")


def test_its_own_word_goes_first() -> None:
    """What a function explains itself is not explained a second time."""
    text = inspect.getdoc(aio.watch)
    assert text is not None
    assert text.count("    jobs: ") == 1
    assert "in the current event loop" in text


@pytest.mark.parametrize("name", ["wait", "gather"])
async def test_no_journal_where_events_would_be_missing(name: str) -> None:
    """What an earlier watch acknowledged is not delivered again."""
    async with LegnextClient(KEY) as client:
        with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected .*'journal'$"):
            await getattr(client, name)([], journal="batch.db")
