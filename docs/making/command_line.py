"""Generate the list of commands in `docs/reference/command-line.md` from the command line's own help.

python -m docs.making.command_line
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from legnext_stream._cli.app import app
from legnext_stream._cli.exits import PROGRAM

PAGE: Final = Path(__file__).parents[1] / "reference" / "command-line.md"
_BEGIN: Final = "<!-- commands: written by `python -m docs.making.command_line` -->\n"
_END: Final = "<!-- commands end -->\n"
# Every command that talks to the API has these options. The page explains them once.
_PACING: Final = re.compile(r"^\*\*Pacing\*\*:\n\n.*?(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_SEE_PACING: Final = "The options for [pacing](#pacing) apply too.\n\n"


def commands() -> str:
    """Return all commands and their options in Markdown."""
    written = app.generate_docs(output_format="markdown", heading_level=1, usage_name=PROGRAM)
    # The page has its own introduction.
    _, _, text = written.partition("\n## legnext-stream ")
    text = f"## legnext-stream {text}"
    pacing = _PACING.search(text)
    assert pacing is not None  # noqa: S101 - watch has it
    text = _PACING.sub(_SEE_PACING, text)
    options = pacing[0].partition("\n\n")[2]
    text = f"{text.strip()}\n\n## Pacing\n\n{options.strip()}\n"
    # Cyclopts takes `-m` and this module's name for a part of the usage line.
    text = re.sub(r"^(legnext-stream \S+) -m \S+", r"\1", text, flags=re.MULTILINE)
    # A usage line is not a command that can be run as it stands; tests run `console` blocks.
    return text.replace("```console\n", "```text\n")


def written(page: str) -> str:
    """Return the page with an up-to-date list of commands."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{commands()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
