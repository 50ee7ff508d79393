"""The picture and the listing of the rooms show the rooms there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from docs.making.picture import FLOW, LIBRARY, PICTURE, drawn, pure_rooms, reduced, storeys
from tests.docs.blocks import ROOT

_PAGE: Final = (ROOT / "docs" / "architecture.md").read_text()
# Whose rooms and modules the listing names one by one.
_LISTED: Final = (
    LIBRARY,
    f"{LIBRARY}/core",
    f"{LIBRARY}/core/schedule",
    f"{LIBRARY}/core/pace",
    "mockserver",
)


def _modules(folder: Path) -> set[str]:
    """The modules and folders of a package, without its face."""
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    return folders | {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_every_room_has_its_storey() -> None:
    """The linter's contract, of which the picture is drawn, names the rooms there are."""
    assert {room for storey in storeys() for room in storey} == _modules(ROOT / LIBRARY)


def test_every_room_is_in_the_picture() -> None:
    """By its name; and the way of an answer goes through rooms."""
    picture = PICTURE.read_text()
    rooms = {room for storey in storeys() for room in storey}
    assert all(f">{room}</text>" in picture for room in rooms)
    assert {room for room, _ in FLOW} <= rooms


@pytest.mark.parametrize("folder", _LISTED)
def test_every_module_is_listed(folder: str) -> None:
    """Whoever adds one says in the listing what it is for."""
    listing = _PAGE.split("```text\n")[1].split("```")[0]
    words = set(re.findall(r"\w+", listing))
    assert _modules(ROOT / folder) - {"__main__"} <= words


def test_a_line_that_follows_from_others_is_left_out() -> None:
    """However long the way is by which it follows."""
    imports = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set[str]()}
    assert reduced(imports) == [("a", "b"), ("b", "c"), ("c", "d")]


def test_the_picture_is_drawn_from_what_it_is_given() -> None:
    """Rooms by storey, lines between them, and the pure ones in another colour."""
    rows = [["stream", "account"], ["http", "mailbox", "engine"], ["core"]]
    picture = drawn(rows, [("stream", "core")], {"core"})
    assert "<title>stream imports core</title>" in picture
    assert picture.count("<title>") == 2
    places = [float(y) for y in re.findall(r'<rect x="\d+" y="(\d+)" width="150"', picture)]
    assert sorted(places) == places
    assert len(set(places)) == len(rows)
    assert pure_rooms() >= {"core", "errors"}
