"""The keyword options of the client's methods, for the functions that pass them on.

`LegnextClient` has the one explicit signature of each method: there stand the defaults and the
text. A function that passes options on declares them as `**options: Unpack[WatchOptions]`, for the
type checker, and has them shown by `passing`, for `help` and the documentation.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar

from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pacing import Pacing

if TYPE_CHECKING:
    from legnext_stream._generate import IfUnknown
    from legnext_stream._telemetry import Telemetry
    from legnext_stream._webhooks import WebhookReceiver

F = TypeVar("F", bound=Callable[..., object])

_SECTION: Final = re.compile(r"^(?=(?:Returns|Raises):$)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^ {4}(\w+): .*(?:\n {8}.*)*", re.MULTILINE)


class ClientOptions(TypedDict, total=False):
    """What `LegnextClient` takes by keyword."""

    pacing: Pacing | None
    request_timeout: float
    retry_for: float
    headers: Mapping[str, str] | None
    http2: bool
    telemetry: Telemetry | bool


class WaitOptions(TypedDict, total=False):
    """What `wait` and `gather` take."""

    timeout: float | None
    pacing: Pacing | None
    webhooks: WebhookReceiver | None


class WatchOptions(WaitOptions, total=False):
    """What `watch` and `as_completed` take."""

    journal: str | os.PathLike[str] | None


class GenerateOptions(WatchOptions, total=False):
    """What `generate` takes."""

    task_type: TaskType | str
    callback: str | None
    save_to: str | os.PathLike[str] | None
    name: str
    parallel_downloads: int
    at_once: int | None
    if_unknown: IfUnknown
    max_cost: float | None


class DownloadOptions(TypedDict, total=False):
    """What `download` takes."""

    name: str
    parallel: int
    grid: bool
    max_size: int
    timeout: float | None
    prompt: Prompt | None
    position: int | None


class AccountOptions(TypedDict, total=False):
    """What the functions that belong to no client take besides."""

    api_key: str | None
    base_url: str | None


class WaitFunctionOptions(AccountOptions, WaitOptions, total=False):
    """What the functions `wait` and `gather` take."""


class WatchFunctionOptions(AccountOptions, WatchOptions, total=False):
    """What the functions `watch` and `as_completed` take."""


class GenerateFunctionOptions(AccountOptions, GenerateOptions, total=False):
    """What the function `generate` takes."""


def passing(options: type, *to: Callable[..., object]) -> Callable[[F], F]:
    """Show the parameters that a function takes as `**options` and passes to another function.

    `inspect.signature` then has them, with types and defaults, as the other function does. The
    docstring gets the other function's text for each parameter that it doesn't explain itself. The
    first function of `to` is the one that is called; the others explain further parameters.
    `options` is the `TypedDict` of the options.
    """
    names = _names(options)
    explicit = inspect.signature(to[0]).parameters.values()
    expanded = [one.replace(kind=one.KEYWORD_ONLY) for one in explicit if one.name in names]

    def show(function: F) -> F:
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        shown = signature.replace(parameters=[*own, *expanded])
        function.__signature__ = shown  # type: ignore[attr-defined]  # where `inspect` looks for it
        entries = _entries(*reversed(to), function)
        prose, *after = _SECTION.split(inspect.getdoc(function) or "", maxsplit=1)
        arguments = [entries[name] for name in shown.parameters if name in entries]
        prose = prose.partition("Args:\n")[0].rstrip()
        function.__doc__ = "\n".join([prose, "", "Args:", *arguments, "", *after])
        return function

    return show


def _entries(*functions: Callable[..., object]) -> dict[str, str]:
    """Return the lines of docstrings that explain each parameter. Later functions take precedence."""
    docs = [inspect.getdoc(function) or "" for function in functions]
    return {entry[1]: entry[0] for text in docs for entry in _ENTRY.finditer(text)}


def _names(options: type) -> frozenset[str]:
    names: frozenset[str] = options.__optional_keys__  # type: ignore[attr-defined]  # as TypedDicts have
    return names


def refuse_unknown(function: str, options: Mapping[str, object], known: type) -> None:
    """Refuse an option of `function` that the function which it calls would accept.

    Raises:
        TypeError: There is another option.
    """
    for name in options.keys() - _names(known):
        msg = f"{function}() got an unexpected keyword argument {name!r}"
        raise TypeError(msg)
