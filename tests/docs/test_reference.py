"""Every public name is in the reference, and its docstring is complete.

A docstring explains each argument, gives the unit of each number, and lists the errors raised.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest

from docs.making.public_modules import PUBLIC_MODULES, names_of
from tests.docs.blocks import ROOT

_DIRECTIVE: Final = re.compile(r"^\.\. (currentmodule|auto\w+):: ([\w.]+)", re.MULTILINE)
# Words that give the unit of a number. Points in time are in seconds of the world or of the Trio run.
_UNITS: Final = re.compile(
    r"second|\bs\b|\btimes?\b|duration|clock|^(?:t|at|until) |^return +When|requests|polls|points|credits|dollars|bytes|price|"
    r"share|percent|probabilit|scale|standard deviation",
    re.IGNORECASE,
)
_AS_ELSEWHERE: Final = re.compile(r"arguments[^.]* are those of|; see `|are as `")


def _names() -> Iterator[tuple[str, str]]:
    for module in PUBLIC_MODULES:
        for name in names_of(module):
            if name != "__version__":
                yield module, name


def _in_the_reference() -> set[tuple[str, str]]:
    """Return the names that the pages of the reference document."""
    found = set[tuple[str, str]]()
    for page in sorted((ROOT / "docs" / "reference").rglob("*.md")):
        module = ""
        for directive, name in _DIRECTIVE.findall(page.read_text()):
            if directive == "currentmodule":
                module = name
            elif directive == "automodule":
                found |= {(name, one) for one in names_of(name)}
            else:
                found.add((module, name))
    return found


def test_every_public_name_is_in_the_reference() -> None:
    """Each public name is documented on a page below `docs/reference/`."""
    there = _in_the_reference()
    assert there <= set(_names())
    # A name that two modules export needs to be documented only once.
    shown = {id(names_of(module)[name]) for module, name in there}
    assert [
        f"{module}.{name}" for module, name in _names() if id(names_of(module)[name]) not in shown
    ] == []


@attrs.frozen
class Documented:
    """A public class or function with its own docstring.

    Attributes:
        name: The full name.
        thing: The class or function.
        around: For a method, its class.
    """

    name: str
    thing: Any
    around: type | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def text(self) -> str:
        """The docstring."""
        return inspect.getdoc(self.thing) or ""

    def section(self, *titles: str) -> dict[str, str]:
        """Return the entries of a section, by the names before the colons."""
        entries = dict[str, str]()
        inside, last = False, ""
        for line in self.text.splitlines():
            if line and not line.startswith(" "):
                inside = line.rstrip(":") in titles and line.endswith(":")
            elif inside and (entry := re.match(r" {4}([*\w.]+)(?: \(.*?\))?: (.*)", line)):
                last = entry[1].lstrip("*")
                entries[last] = entry[2]
            elif inside and last:
                entries[last] += " " + line.strip()
        return entries


def _documented() -> Iterator[Documented]:
    for module, name in _names():
        thing: Any = names_of(module)[name]
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        yield Documented(f"{module}.{name}", thing)
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if member.startswith("_") or not _is_public_member(value):
                    continue
                yield Documented(f"{module}.{name}.{member}", _function_of(value), thing)


def _is_public_member(value: object) -> bool:
    return inspect.isfunction(_function_of(value))


def _function_of(value: object) -> object:
    match value:
        case property():
            return value.fget
        case functools.cached_property():
            return value.func
        case staticmethod() | classmethod():
            return value.__func__
        case _:
            return value


ALL: Final = list(_documented())


def test_everything_has_a_docstring() -> None:
    """Each public name, and each public member of a class, has a docstring."""
    assert [str(one) for one in ALL if not one.text] == []


def test_every_argument_is_explained() -> None:
    """A function with more than three arguments explains them in `Args`, or says where they are explained."""
    missing = list[str]()
    for one in ALL:
        entries = one.section("Args")
        if inspect.isclass(one.thing) or _AS_ELSEWHERE.search(one.text):
            continue
        names = inspect.signature(one.thing).parameters.keys() - {"self", "cls"}
        if entries or len(names) > 3:
            known = entries.keys() | {
                name.lstrip("_") for name in inspect.get_annotations(one.around or type(None))
            }
            missing += [f"{one}({name})" for name in sorted(names - known)]
    assert missing == []


def test_every_number_has_its_unit() -> None:
    """The docstring gives the unit of each argument, attribute or result that is a `float`."""
    without = list[str]()
    for one in ALL:
        entries = one.section("Args", "Attributes")
        prose = re.split(r"\n\n(?:Args|Attributes):", one.text)[0]
        for name, kind in inspect.get_annotations(one.thing).items():
            is_number = re.search(r"\bfloat\b", str(kind)) and not name.startswith("_")
            if name not in entries and _AS_ELSEWHERE.search(one.text):
                continue
            if is_number and not _UNITS.search(f"{name} {entries.get(name, '')} {prose}"):
                without.append(f"{one}: {name}")
    assert without == []


def _raised_in(function: object) -> set[str]:
    """Return the exceptions that a function raises directly."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    raised = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise))
    calls = (exc.func if isinstance(exc, ast.Call) else exc for exc in raised if exc is not None)
    return {
        ast.unparse(call).rpartition(".")[2]
        for call in calls
        if not isinstance(call, ast.Name) or call.id[:1].isupper()
    }


def test_every_error_is_documented() -> None:
    """`Raises` lists each exception that a function raises directly."""
    silent = list[str]()
    for one in ALL:
        if inspect.isclass(one.thing):
            continue
        announced = one.section("Raises").keys()
        silent += [
            f"{one} raises {error}"
            for error in sorted(_raised_in(one.thing))
            if error not in {name.rpartition(".")[2] for name in announced}
        ]
    assert silent == []


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_public_modules_have_docstrings(module: str) -> None:
    """Each public module has a docstring."""
    assert importlib.import_module(module).__doc__
