"""Draws docs/architecture.svg: the rooms of the library, what rests on what, and the way of an answer.

    python -m docs.making.picture            write it
    python -m docs.making.picture --check    exit with 1 if it isn't what would be written

The rooms and their storeys are those of the contract in pyproject.toml that the import linter holds; the
lines are the imports that there really are, without those that follow from others. Needs the extra `lint`.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import attrs

_ROOT: Final = Path(__file__).parents[2]
PICTURE: Final = _ROOT / "docs" / "architecture.svg"
LIBRARY: Final = "legnext_stream"

# The way of an answer, by the rooms it comes through.
FLOW: Final = (
    ("stream", "job ids come in, by watch or generate"),
    ("engine", "one task carries polls out and answers in"),
    ("core", "whom to ask, when, how fast: tracker, schedule, pace"),
    ("account", "the pace and the connections of one account"),
    ("http", "a request on a lane of its own; its answer"),
    ("core", "an observation; which is news: an event"),
    ("mailbox", "at most one event a job, until it is read"),
    ("stream", "the consumer's loop goes on"),
)

# In pixels: the house, its storeys and its rooms.
_WIDTH, _HOUSE, _MARGIN = 1000, 700, 30
_STOREY, _ROOM, _GAP, _TOP = 62, 34, 14, 70
_PLAIN, _PURE, _WIRE, _OUTSIDE = "#f3f1ec", "#d9ecd9", "#d6e4f5", "#fbf3dc"


@attrs.frozen(kw_only=True)
class Room:
    """A room, and where it is in the picture.

    Attributes:
        name: The module's or folder's name.
        x: Its left side, pixels.
        y: Its upper side, pixels.
        width: How wide it is, pixels.
    """

    name: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        """The middle between its left and its right side, pixels."""
        return self.x + self.width / 2


def _contracts() -> list[dict[str, Any]]:
    """The linter's contracts, as pyproject.toml has them."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def storeys() -> list[list[str]]:
    """The rooms by storey, from the top, by the linter's contract about them."""
    (layers,) = (contract["layers"] for contract in _contracts() if contract["type"] == "layers")
    return [re.split(r"\s*[|:]\s*", layer) for layer in layers]


def pure_rooms() -> set[str]:
    """The rooms that by contract know no I/O and no clock."""
    return {
        module.partition(".")[2]
        for contract in _contracts()
        if contract["name"].startswith("Decisions are pure")
        for module in contract["source_modules"]
    }


def reduced(imports: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """The imports between rooms without those that follow from others.

    Args:
        imports: What each room imports; nobody may import itself by way of others.
    """

    def reached(start: str) -> set[str]:
        found = set[str]()
        waiting = list(imports.get(start, ()))
        while waiting:
            room = waiting.pop()
            if room not in found:
                found.add(room)
                waiting += imports.get(room, ())
        return found

    return sorted(
        (room, below)
        for room, direct in imports.items()
        for below in set(direct)
        if not any(below in reached(other) for other in set(direct) - {below})
    )


def real_imports() -> dict[str, set[str]]:
    """What each room really imports, without what is for type checkers alone."""
    # Here, so that whoever only looks at the rooms needs no linter.
    import grimp  # noqa: PLC0415 - brought by the linter, which not everybody has

    graph = grimp.build_graph(LIBRARY, exclude_type_checking_imports=True, cache_dir=None)
    imports: dict[str, set[str]] = {room: set() for storey in storeys() for room in storey}
    for module in graph.modules:
        room = _room_of(module)
        for imported in graph.find_modules_directly_imported_by(module) if room else ():
            below = _room_of(imported)
            if below and below != room:
                imports[room].add(below)
    return imports


def _room_of(module: str) -> str:
    """The room that a module is in; none for the package's face, which imports what it shows."""
    return module.split(".")[1] if "." in module else ""


def placed(rows: Sequence[Sequence[str]]) -> dict[str, Room]:
    """The rooms with their places."""
    found = dict[str, Room]()
    for number, row in enumerate(rows):
        width = min(150.0, (_HOUSE - 2 * _MARGIN - (len(row) - 1) * _GAP) / len(row))
        left = (_HOUSE - len(row) * width - (len(row) - 1) * _GAP) / 2
        for place, name in enumerate(row):
            x = left + place * (width + _GAP)
            found[name] = Room(name=name, x=x, y=_TOP + number * _STOREY, width=width)
    return found


def _text(x: float, y: float, text: str, style: str = "", size: int = 14) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" {style}>{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    where = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect {where} rx="6" fill="{fill}" stroke="#777"/>'


def _arrow(way: str, style: str = "") -> str:
    return f'<path d="{way}" stroke="#2b6cb0" stroke-width="2" fill="none" {style}/>'


_LETTERS: Final = 'font-family="sans-serif" fill="#222"'
_IN_THE_MIDDLE: Final = 'text-anchor="middle"'
_BOLD: Final = f'{_IN_THE_MIDDLE} font-weight="bold"'


def drawn(rows: Sequence[Sequence[str]], lines: Iterable[tuple[str, str]], pure: set[str]) -> str:
    """The picture.

    Args:
        rows: The rooms by storey, from the top.
        lines: Which room imports which.
        pure: The rooms without I/O.
    """
    rooms = placed(rows)
    bottom = _TOP + len(rows) * _STOREY
    height = bottom + 40 + 22 * len(FLOW)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_LETTERS}>',
        "<title>The rooms of Legnext Stream, and the way of an answer</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _box(_MARGIN / 2, 20, _HOUSE - _MARGIN, bottom - 20, "#fff"),
        _text(_HOUSE / 2, 46, f"{LIBRARY}: each room imports from those below it", _BOLD, 15),
    ]
    for above, below in lines:
        start, end = rooms[above], rooms[below]
        parts.append(
            f'<path d="M {start.middle:.0f} {start.y + _ROOM:.0f} L {end.middle:.0f} {end.y:.0f}" '
            f'stroke="#aaa" fill="none"><title>{above} imports {below}</title></path>'
        )
    for room in rooms.values():
        fill = _PURE if room.name in pure else _WIRE if room.name == "http" else _PLAIN
        parts.append(_box(room.x, room.y, room.width, _ROOM, fill))
        parts.append(_text(room.middle, room.y + 22, room.name, _IN_THE_MIDDLE))
    parts += _outside(rooms)
    parts += _flow(rooms, bottom)
    return "\n".join([*parts, "</svg>", ""])


def _outside(rooms: Mapping[str, Room]) -> list[str]:
    """What is beyond the walls, and the one way there."""
    left, wire = _HOUSE + 10, rooms["http"]
    y = wire.y + _ROOM / 2
    return [
        _box(left, y - 200, 270, 130, _OUTSIDE),
        _text(left + 135, y - 170, "mockserver", _BOLD),
        _text(left + 135, y - 146, "imports none of these rooms,", _IN_THE_MIDDLE, 13),
        _text(left + 135, y - 128, "and none of them imports it", _IN_THE_MIDDLE, 13),
        _text(left + 135, y - 100, "its world and faults are pure", _IN_THE_MIDDLE, 13),
        _box(left, y - 24, 270, 48, _OUTSIDE),
        _text(left + 135, y + 6, "the API, over HTTP", _BOLD),
        _arrow(f"M {wire.x + wire.width:.0f} {y:.0f} H {left}"),
        _arrow(f"M {left + 135} {y - 70:.0f} V {y - 24:.0f}", 'stroke-dasharray="5 4"'),
        _text(left + 145, y - 42, "stands in for", "", 12),
    ]


def _flow(rooms: Mapping[str, Room], bottom: float) -> list[str]:
    """The steps: a number in each room, and what happens there below the house."""
    parts = list[str]()
    for number, (name, what) in enumerate(FLOW, 1):
        room = rooms[name]
        later = sum(other == name for other, _ in FLOW[number:])
        place = room.x + room.width - 2 - 22 * later
        line = bottom + 18 + 22 * number
        for x, y in ((place, room.y), (_MARGIN + 10, line - 5)):
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="10" fill="#2b6cb0"/>')
            parts.append(_text(x, y + 4, str(number), f'{_BOLD} style="fill:#fff"', 12))
        parts.append(_text(_MARGIN + 30, line, f"{name}: {what}", "", 13))
    return parts


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture, or see whether it is right; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.making.picture", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args(arguments).check
    picture = drawn(storeys(), reduced(real_imports()), pure_rooms())
    if not check:
        PICTURE.write_text(picture)
        return 0
    if PICTURE.read_text() == picture:
        return 0
    sys.stderr.write(f"{PICTURE.name} is out of date: run python -m docs.making.picture\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
