"""Take the screenshots of the tutorial: a batch in a terminal, and its report.

    python -m docs.making.screenshots

The command follows the tutorial against its own mock server, and writes `terminal.svg` and `report.png`
next to the tutorial. It runs the batch in tmux and opens the report in headless Chromium, so it needs
both programs, and the extras `demo` and `test`.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import rich.terminal_theme
from rich.console import Console
from rich.text import Text

_TUTORIAL: Final = Path(__file__).parents[1] / "tutorial"
_COLUMNS, _LINES = 100, 30
# The visible part of the report, in pixels.
_WIDTH, _HEIGHT = 1000, 1250
_PROMPTS: Final = 50
_SECONDS: Final = 180.0  # longer than any step takes
_TMUX: Final = ("tmux", "-L", f"legnext-docs-{os.getpid()}", "-f", os.devnull)
_BIN: Final = Path(sys.executable).parent


def as_svg(screen: str, title: str) -> str:
    """Return the screen of a terminal as an SVG that loads nothing else.

    Args:
        screen: The lines, with escape sequences for colours.
        title: The title of the window.
    """
    console = Console(width=_COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.rstrip("\n")))
    svg = console.export_svg(
        title=title, theme=rich.terminal_theme.SVG_EXPORT_THEME, unique_id="terminal"
    )
    # Use the reader's own fonts; rich would load its own from the network.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def _run(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS)
    return run.stdout


@contextmanager
def _mock_server() -> Iterator[str]:
    command = [str(_BIN / "legnext-mock"), "--port", "8080", "--seed", "7", "--slots", "25"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


@contextmanager
def _terminal(folder: Path, url: str) -> Iterator[Callable[[], str]]:
    """Run a batch in a terminal; yield a function that reads its screen."""
    (folder / "prompts.txt").write_text(
        "".join(f"a lighthouse in the fog, study {number}\n" for number in range(1, _PROMPTS + 1))
    )
    line = "legnext-stream generate prompts.txt --save-to out --report report.html"
    shell = f"cd {folder}; PS1='$ ' exec bash --norc --noprofile"
    settings = {"LEGNEXT_API_KEY": "any", "LEGNEXT_BASE_URL": url, "COLORTERM": "truecolor"}
    settings["PATH"] = os.pathsep.join([str(_BIN), os.environ["PATH"]])
    environment = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
    size = ("-x", str(_COLUMNS), "-y", str(_LINES))
    _run(*_TMUX, "new-session", "-d", *size, *environment, shell)
    try:
        _run(*_TMUX, "send-keys", line, "Enter")
        yield lambda: _run(*_TMUX, "capture-pane", "-e", "-p")
    finally:
        _run(*_TMUX, "kill-server")


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.2)


def _photograph(page: Path, picture: Path) -> None:
    """Save the top of a page, as a browser shows it, as a picture."""
    # Imported here because the other half of this module needs no browser.
    from selenium import webdriver  # noqa: PLC0415
    from selenium.webdriver.chrome.options import Options  # noqa: PLC0415
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

    options = Options()
    for option in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(option)
    options.add_argument(f"--window-size={_WIDTH},{_HEIGHT}")
    browser = webdriver.Chrome(
        options=options, service=Service(_run("which", "chromedriver").strip())
    )
    try:
        browser.get(page.as_uri())
        browser.save_screenshot(str(picture))
    finally:
        browser.quit()


def main() -> None:
    """Take both screenshots."""
    argparse.ArgumentParser(
        prog="python -m docs.making.screenshots", description=__doc__
    ).parse_args()
    with tempfile.TemporaryDirectory() as name, _mock_server() as url:
        folder = Path(name)
        with _terminal(folder, url) as screen:
            # Halfway, some jobs have ended, some run, and some are queued.
            saved = folder / "out"
            half = 4 * _PROMPTS // 2
            _wait_for(lambda: len(list(saved.glob("*.png"))) > half, "half of the files")
            (_TUTORIAL / "terminal.svg").write_text(as_svg(screen(), "50 prompts, halfway"))
            _wait_for((folder / "report.html").exists, "the report")
        _photograph(folder / "report.html", _TUTORIAL / "report.png")


if __name__ == "__main__":
    main()
