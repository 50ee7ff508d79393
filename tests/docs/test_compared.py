"""Each claim of the comparison with other libraries has its source."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.docs.blocks import ROOT

_PAGE: Final = (ROOT / "docs" / "explanation" / "compared.md").read_text()
# A file of a package, and line numbers.
_SOURCE: Final = re.compile(r"`[\w/]+\.(?:py|json)`:\d+")


def _tables() -> list[dict[str, list[str]]]:
    """Return the two tables with a row for each feature: the claims, and their sources."""
    found = list[dict[str, list[str]]]()
    for text in re.split(r"^\| \| Legnext Stream .*\n", _PAGE, flags=re.MULTILINE)[1:]:
        rows = [row for row in text.split("\n\n")[0].splitlines() if not row.startswith("|---")]
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        found.append({first: rest for first, *rest in cells})
    return found


_CLAIMS, _SOURCES = _tables()


def test_both_tables_have_the_same_rows() -> None:
    """The tables of claims and of sources have the same rows."""
    assert list(_CLAIMS) == list(_SOURCES)
    assert len(_CLAIMS) > 10


@pytest.mark.parametrize("feature", list(_CLAIMS))
def test_every_claim_has_its_source(feature: str) -> None:
    """Each claim that a library has a feature, or part of it, refers to a file and a line."""
    claims, sources = _CLAIMS[feature], _SOURCES[feature]
    assert len(claims) == len(sources) == 6
    assert claims[0] == "–" or sources[0]
    for claim, source in zip(claims[1:], sources[1:], strict=True):
        assert claim in {"–", "·"} or _SOURCE.search(source), (feature, claim)
