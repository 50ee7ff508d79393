"""`legnext-stream completion`: what a shell reads to complete the command's words."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from legnext_stream._cli.exits import Exit, say
from legnext_stream._cli.running import EXPECTED, need_stdout, told

Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell, Parameter(name="SHELL")],
    /,
    *,
    install: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Print what a shell reads to complete commands and options, or put it where the shell looks.

    Without --install nothing is changed: put what is printed wherever you keep such things.

    Args:
        shell: bash, zsh or fish.
        install: Write it where the shell looks for it, and have the shell's startup file read it.
    """
    # It completes the whole command, of which this is a part.
    from legnext_stream._cli.app import app  # noqa: PLC0415 - as said

    try:
        if install:
            path = app.install_completion(shell=shell)
            say(f"Written to {path}. Open a new {shell} to have it.")
        else:
            need_stdout().write(app.generate_completion(shell=shell))
    except EXPECTED as error:
        return told(error)
    return Exit.COMPLETED
