"""Write figures into a page, between two marks. The first mark names the command that wrote them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MARKS: Final = "<!-- {name}: written by `{command}` -->\n", "<!-- {name} end -->\n"


def command_line(module: str, arguments: Sequence[str] | None = None) -> str:
    """The command that is running, as one would type it.

    Args:
        module: The module that is run, e.g. `"tests.simulation"`.
        arguments: What it was given; by default what this process was given.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return " ".join(["python -m", module, *given])


def write_into(page: Path, name: str, command: str, text: str) -> None:
    """Put a text between its marks on a page, in place of what is there.

    Args:
        page: The page's file.
        name: What the marks are called.
        command: The command that made the text; it is named in the first mark.
        text: The text, in Markdown.

    Raises:
        ValueError: The page has no such marks.
    """
    begin, end = (mark.format(name=name, command=command) for mark in _MARKS)
    pattern = re.compile(rf"<!-- {re.escape(name)}: [^\n]*-->\n.*?{re.escape(end)}", re.DOTALL)
    content = page.read_text()
    if not pattern.search(content):
        raise ValueError(f"{page} has no place for {name}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text.strip()}\n\n{end}", content))
