"""Find the code blocks of the pages, by language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_BLOCK: Final = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen(kw_only=True)
class Block:
    """One block of code.

    Attributes:
        page: The page's file.
        number: Its number among the page's blocks in this language: 1, 2, 3, …
        language: The language given after the opening fence.
        text: Its lines.
    """

    page: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}-{self.number}"


def blocks_of(page: Path, *languages: str) -> Iterator[Block]:
    """Yield the blocks of a page in these languages, in order; all blocks if no language is given."""
    counts = dict[str, int]()
    for match in _BLOCK.finditer(page.read_text()):
        language = match[1].strip()
        counts[language] = counts.get(language, 0) + 1
        if not languages or language in languages:
            yield Block(page=page, number=counts[language], language=language, text=match[2])


def all_blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages in these languages."""
    return [block for page in PAGES for block in blocks_of(page, *languages)]
