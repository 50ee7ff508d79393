"""Type checkers accept the Python blocks of the README and of the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import ROOT, Block, all_blocks, blocks_of

README: Final = tuple(blocks_of(ROOT / "README.md", "python"))
# Examples of other clients show what they do, not how their types are to be used.
OTHERS: Final = tuple(
    block
    for block in all_blocks("python")
    if block.page != README[0].page and "from legnext import" not in block.text
)
# The pages say once what `job_ids` is.
_GIVEN: Final = "job_ids: list[str] = []\n"
_COMMANDS: Final = {
    "mypy": ("mypy", "--no-incremental", "--config-file="),
    "pyright": ("pyright", "--pythonpath", sys.executable),
}

pytestmark = pytest.mark.documented


def _write(folder: Path, blocks: tuple[Block, ...], before: str = "") -> None:
    for block in blocks:
        name = re.sub(r"\W", "_", str(block))
        (folder / f"{name}.py").write_text(before + block.text)


def _run(checker: str, folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", *_COMMANDS[checker], *options, "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_mypy_accepts_the_readme_in_strict_mode(tmp_path: Path) -> None:
    """The README's programs pass mypy in its strict mode, as they stand."""
    _write(tmp_path, README)
    _run("mypy", tmp_path, "--strict")


def test_pyright_accepts_the_readme_in_strict_mode(tmp_path: Path) -> None:
    """They pass pyright in its strict mode too."""
    _write(tmp_path, README)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    _run("pyright", tmp_path)


def test_mypy_accepts_the_pages(tmp_path: Path) -> None:
    """All other examples pass mypy, which looks into functions without annotations too."""
    _write(tmp_path, OTHERS, _GIVEN)
    _run("mypy", tmp_path, "--check-untyped-defs", "--ignore-missing-imports")


def test_pyright_accepts_the_pages(tmp_path: Path) -> None:
    """They pass pyright too."""
    _write(tmp_path, OTHERS, _GIVEN)
    _run("pyright", tmp_path)
