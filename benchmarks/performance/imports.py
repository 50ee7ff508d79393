"""The import time of the library, compared with that of its two main dependencies."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.performance.rounds import Row, alternate, ratio_row

_OURS: Final = "legnext_stream"
_THEIRS: Final = "httpx, trio"
_TIMED: Final = """\
import time
began = time.perf_counter()
import {modules}
print(time.perf_counter() - began)
"""


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Import in fresh interpreters, in turns. Python's own start isn't counted."""
    with tempfile.TemporaryDirectory() as folder:
        # With compiled modules, as when installed, whatever this environment does. The round
        # that warms up compiles.
        settings = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        settings.pop("PYTHONDONTWRITEBYTECODE", None)
        pairs = alternate(
            partial(_seconds, _OURS, settings),
            partial(_seconds, _THEIRS, settings),
            rounds=7 if quick else 21,
        )
    return [
        ratio_row(
            f"import {_OURS}",
            f"import {_THEIRS}",
            pairs,
            target=1.15,
            at_least=False,
            quick_bound=2.0,
        )
    ]


def _seconds(modules: str, settings: Mapping[str, str]) -> float:
    """The seconds that a fresh interpreter takes to import these modules."""
    code = _TIMED.format(modules=modules)
    command = [sys.executable, "-c", code]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=settings, check=True, capture_output=True, text=True
    )
    return float(done.stdout)
