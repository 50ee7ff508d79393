"""Writes `legnext_stream/sync/` from `legnext_stream/aio/`, which is edited by hand.

    python .ci/make_sync.py            write the files
    python .ci/make_sync.py --check    write nothing; fail if a file is not what would be written

The two packages differ in words: `async with` and `with`, `__anext__` and `__next__`, "under
asyncio" and "in synchronous code". The tables below list those words, for code and docstrings
alike. What differs in more than words stands in the modules of `legnext_stream/_bridges` that end
in `_aio` and `_sync`, by hand.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "legnext_stream"

# What precedes a name on the Trio side, in code and docstrings: it is the same for both.
TRIO: Final = r"(?<!_stream\.)(?<!EventStream\.)(?<!Subscription\.)"

CODE: Final = {
    r"  # noqa: ASYNC\d+\b.*": "",
    r"\basync (def|for|with)\b": r"\1",
    r"\bawait ": "",
    rf"{TRIO}\b__a(enter|exit|iter|next)__": r"__\1__",
    rf"{TRIO}\baclose\b": "close",
    r"\banext\(": "next(",
    # The Trio side raises it in both.
    r"(?<!except )\bStopAsyncIteration\b": "StopIteration",
    r" \| AsyncIterable\[[^][]*(\[[^][]*\][^][]*)?\]": "",
    r"\bCoroutine\[Any, Any, ([^]]*)\]": r"\1",
    r"\blegnext_stream\.aio\b": "legnext_stream.sync",
    r"_aio\b": "_sync",
}
# What docstrings say of the one and of the other.
PROSE: Final = {
    "an async iterator": "an iterator",
    "under asyncio": "in synchronous code",
    "Another task": "Another thread",
    "that is cancelled": "that Ctrl-C interrupts",
    "and under cancellation": "and from any thread",
    "Several event loops": "Several threads",
    "It is bound to no event loop: each call waits in the loop that is running.": "One thread at a time may iterate it; any thread may call the other methods.",
    "iterable or async iterable": "iterable",
    "in the current event loop, in a task of its own": "in a thread of its own",
}
WORDS: Final = CODE | {re.escape(old): new for old, new in PROSE.items()}


def converted(text: str, used: set[str]) -> str:
    """The text of a module of `aio`, in the words of `sync`.

    Args:
        text: The module.
        used: Is given the patterns that were found.
    """
    for pattern, replacement in WORDS.items():
        text, count = re.subn(pattern, replacement, text)
        if count:
            used.add(pattern)
    return text


def generated(aio: Path) -> dict[str, str]:
    """The modules of `sync` by their names.

    Args:
        aio: The folder of the package to make them from.
    """
    used: set[str] = set()
    settings = f"--config={PACKAGE.parent / 'pyproject.toml'}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in aio.glob("*.py"):
            text = converted(source.read_text("utf-8"), used)
            header = f"# Generated from legnext_stream/aio/{source.name} by .ci/make_sync.py; don't edit.\n"
            (folder / source.name).write_text(header + text, "utf-8")
        if unused := WORDS.keys() - used:
            sys.exit(f"{', '.join(sorted(unused))}: in the tables, but not in aio")
        ruff = [sys.executable, "-m", "ruff"]
        # Imports in order, and those gone that only asyncio needs; then lines laid out anew.
        tidy = ["check", "--quiet", "--no-cache", settings, "--select=I,F401", "--fix", name]
        subprocess.run([*ruff, *tidy], check=True)
        subprocess.run([*ruff, "format", "--quiet", "--no-cache", settings, name], check=True)
        return {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}


def main() -> None:
    """Write the package, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    parser.add_argument("package", nargs="?", type=Path, default=PACKAGE)
    given = parser.parse_args()
    folder: Path = given.package / "sync"
    modules = generated(given.package / "aio")
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}
    stale = sorted(name for name, _ in modules.items() ^ there.items())
    if given.check and stale:
        sys.exit(f"stale in {folder}: {', '.join(stale)}; run `python .ci/make_sync.py`")
    for name in stale:
        if name in modules:
            (folder / name).write_text(modules[name], "utf-8", newline="\n")
        else:
            (folder / name).unlink()


if __name__ == "__main__":
    main()
