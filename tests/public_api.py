"""The public API as text: every public name with its kind, types and defaults, one on a line.

    python -m tests.public_api            show how the files differ from the code
    python -m tests.public_api --write    write the files

A test compares the code with `public_api.txt` in `tests/legnext_stream` and `tests/mockserver`. So
whoever reviews a change of the public API sees it as a change of one of these files.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import enum
import functools
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, ForwardRef

import attrs

MODULES: Final = {
    "legnext_stream": (
        "legnext_stream",
        "legnext_stream.aio",
        "legnext_stream.sync",
        "legnext_stream.webhooks",
        "legnext_stream.errors",
    ),
    "mockserver": ("mockserver", "mockserver.strategies", "mockserver.pytest_plugin"),
}
WRITE: Final = "python -m tests.public_api --write"

# Methods that are called by an operator or a statement, and so are public too.
_OPERATORS: Final = frozenset(
    f"__{name}__"
    for name in [
        "init",
        "aenter",
        "aexit",
        "aiter",
        "anext",
        "enter",
        "exit",
        "iter",
        "next",
        "call",
        "contains",
        "getitem",
        "len",
        "bool",
        "add",
        "and",
        "or",
        "sub",
        "mul",
        "lt",
        "le",
        "gt",
        "ge",
    ]
)
# Classes that nobody makes but the library: how is not public.
_MADE_BY_THE_LIBRARY: Final = frozenset({"EventStream", "Selection", "Subscription"})


def file_of(package: str) -> Path:
    """Where the text of a package is kept."""
    return Path(__file__).parent / package / "public_api.txt"


def public_api(package: str) -> str:
    """The public names of a package, as text."""
    names = [
        (f"{module}.{name}", getattr(importlib.import_module(module), name))
        for module in MODULES[package]
        for name in _names(module)
    ]
    # A name that several modules have is described in the first.
    homes = {id(thing): path for path, thing in reversed(names)}
    lines = list[str]()
    for path, thing in names:
        home = homes[id(thing)]
        lines += _described(path, thing, homes) if path == home else [f"{path} is {home}"]
    return "".join(f"{line}\n" for line in lines)


def difference(package: str) -> str:
    """How the kept text differs from the code, as a diff; empty if it doesn't."""
    kept, now = file_of(package).read_text("utf-8"), public_api(package)
    lines = difflib.unified_diff(
        kept.splitlines(), now.splitlines(), str(file_of(package)), "the code", n=0, lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def _names(name: str) -> Iterable[str]:
    """What a module lists in `__all__`; else the public names it defines, but no hooks of pytest."""
    module = importlib.import_module(name)
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(
        name
        for name, thing in vars(module).items()
        if not name.startswith(("_", "pytest_")) and _is_defined_in(module, thing)
    )


def _is_defined_in(module: ModuleType, thing: object) -> bool:
    return getattr(_function_of(thing), "__module__", "") == module.__name__


def _described(path: str, thing: object, homes: dict[int, str]) -> list[str]:
    """The lines about a name."""
    if inspect.isclass(thing):
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        members = _members(thing, homes)
        return [
            f"{path}: class({bases})" if bases else f"{path}: class",
            *(f"{path}.{name}{of}" for name, of in members),
        ]
    function = _function_of(thing)
    if function is not thing:
        return [f"{path}{_signature(function)}: fixture"]
    if inspect.isfunction(thing):
        return [f"{path}{_signature(thing)}: {_kind(thing)}function"]
    return [f"{path}: {type(thing).__name__}"]


def _function_of(thing: object) -> object:
    """The function that a fixture was made of; another thing is returned as it is."""
    return inspect.unwrap(thing) if callable(thing) else thing


def _members(thing: type, homes: dict[int, str]) -> list[tuple[str, str]]:
    """The public members of a class, and those of its bases that are not public themselves."""
    packages = tuple(MODULES)
    members = dict[str, str]()
    for base in reversed(thing.__mro__):
        if base is thing or (id(base) not in homes and base.__module__.startswith(packages)):
            members |= _attributes(base) | _methods(base)
    return sorted(members.items())


def _attributes(thing: type) -> dict[str, str]:
    """The annotated attributes of a class, and the values of an enumeration."""
    annotations = inspect.get_annotations(thing)
    members = thing.__members__ if issubclass(thing, enum.Enum) else {}
    init = vars(thing).get("__init__")
    if inspect.isfunction(init) and not attrs.has(thing):
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
        annotations |= {
            node.target.attr: ast.unparse(node.annotation)
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute)
        }
    annotated = {
        name: f": {_text(annotation)}"
        for name, annotation in annotations.items()
        if not name.startswith("_")
    }
    return annotated | {name: f" = {member.value!r}" for name, member in members.items()}


def _methods(thing: type) -> dict[str, str]:
    """The methods and properties of a class."""
    methods = dict[str, str]()
    for name, member in vars(thing).items():
        is_private = name.startswith("_") and name not in _OPERATORS
        if is_private or (name == "__init__" and thing.__name__ in _MADE_BY_THE_LIBRARY):
            continue
        match member:
            case property() | functools.cached_property():
                get: Any = member.fget if isinstance(member, property) else member.func
                kind = "settable property" if getattr(member, "fset", None) else "property"
                methods[name] = f": {_text(get.__annotations__['return'])}: {kind}"
            case staticmethod() | classmethod():
                kind = type(member).__name__
                methods[name] = f"{_signature(member.__func__)}: {kind}"
            case _ if inspect.isfunction(member):
                methods[name] = f"{_signature(member)}: {_kind(member)}method"
            case _:
                pass
    return methods


def _kind(function: Callable[..., Any]) -> str:
    return "async " if inspect.iscoroutinefunction(function) else ""


def _signature(function: Any) -> str:  # noqa: ANN401 - whatever `inspect` finds
    """A signature with its annotations as they are written."""
    signature = inspect.signature(function)
    parts, last = list[str](), None
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and last not in {one.KEYWORD_ONLY, one.VAR_POSITIONAL}:
            parts.append("*")
        stars = "*" * (one.kind is one.VAR_POSITIONAL) + "**" * (one.kind is one.VAR_KEYWORD)
        annotation = "" if one.annotation is one.empty else f": {_text(one.annotation)}"
        default = "" if one.default is one.empty else f" = {_value(one.default)}"
        parts.append(f"{stars}{one.name}{annotation}{default}")
        last = one.kind
    returned = signature.return_annotation
    arrow = "" if returned is signature.empty else f" -> {_text(returned)}"
    line = f"({', '.join(parts)}){arrow}"
    # Those of a long one each on a line, so that a diff shows which has changed.
    return line if len(line) <= 100 else "(\n    " + "\n    ".join(parts) + f"\n){arrow}"


def _text(annotation: object) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _value(default: object) -> str:
    """A default, in the same words in each process; `...` for what is made anew by each call."""
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}" if default is not attrs.NOTHING else "..."
    if isinstance(default, tuple):
        return f"({', '.join(map(_value, default))})"
    if inspect.isroutine(default) or inspect.isclass(default):
        return str(default.__qualname__)
    return f"{type(default).__name__}(...)" if attrs.has(type(default)) else repr(default)


def main() -> None:
    """Write the files, or show how they differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.public_api")
    parser.add_argument("--write", action="store_true", help="write the files")
    is_to_write = parser.parse_args().write
    for package in MODULES:
        if is_to_write:
            file_of(package).write_text(public_api(package), "utf-8", newline="\n")
        else:
            sys.stdout.write(difference(package))


if __name__ == "__main__":
    main()
