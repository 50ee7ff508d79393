"""The screenshots of the tutorial, and the function that draws the terminal."""

from __future__ import annotations

import re

from docs.making.screenshots import as_svg
from tests.docs.blocks import ROOT


def test_a_screen_becomes_a_picture() -> None:
    """The SVG has the colours of the screen, and loads nothing."""
    svg = as_svg("\x1b[32mdone\x1b[0m & 50 < 60", "A batch")
    assert re.search(r'class="terminal-r\d+"[^>]*>done<', svg)
    assert "A&#160;batch" in svg
    assert "&lt;" in svg
    assert "url(http" not in svg


def test_the_pictures_are_there() -> None:
    """Both screenshots exist, in the right format, and are small."""
    tutorial = ROOT / "docs" / "tutorial"
    assert "url(http" not in (tutorial / "terminal.svg").read_text()
    assert (tutorial / "report.png").read_bytes().startswith(b"\x89PNG")
    assert all(picture.stat().st_size < 300_000 for picture in tutorial.glob("*.[ps][nv]g"))
