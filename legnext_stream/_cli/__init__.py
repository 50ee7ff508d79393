"""The command `legnext-stream`. Importing the library imports none of this."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command with the arguments of this process, and exit; see `exits` for the statuses."""
    try:
        from legnext_stream._cli.app import run  # noqa: PLC0415 - Ctrl-C may come while it loads

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Before or after the command itself, which handles signals.
        status = 130
    sys.exit(status)
