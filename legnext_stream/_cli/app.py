"""The command with its subcommands, and its `--help`."""

from __future__ import annotations

import codecs
import inspect
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal

import trio
from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from legnext_stream._cli.commands.balance import balance
from legnext_stream._cli.commands.demo import demo
from legnext_stream._cli.commands.download import download
from legnext_stream._cli.commands.explain import explain
from legnext_stream._cli.commands.generate import generate
from legnext_stream._cli.commands.simulate import simulate
from legnext_stream._cli.commands.status import status
from legnext_stream._cli.commands.submit import submit
from legnext_stream._cli.commands.watch import watch
from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import (
    EXPECTED,
    PROGRAM,
    Exit,
    OutputError,
    UsageError,
    complain,
    fail,
    say,
)
from legnext_stream._cli.options import Flag
from legnext_stream._cli.running import need_stdout, run_to_exit
from legnext_stream._cli.typed import ARGUMENTS
from legnext_stream._cli.usage import usage_words
from legnext_stream._version import __version__


class _Help(Console):
    """Where `--help` is printed."""

    def on_broken_pipe(self) -> None:
        """The reader has gone away."""
        raise OutputError(BrokenPipeError())


app: App = App(
    name=PROGRAM,
    console=_Help(),
    version=__version__,
    version_flags=["--version"],
    help_format="plaintext",
    help="""Many Legnext jobs as one stream of status changes.

Give it job ids or prompts, and read what changes. It takes care of rate limits, retries, polling
intervals and queues.
""",
    # Printed as it is, so the lines are wrapped by hand, at 78 characters.
    help_epilogue="""\
Examples:
  legnext-stream demo
      See it work: 200 simulated jobs, with no key and no network.
  legnext-stream generate prompts.txt --save-to out/ --journal batch.db
      Submit a file of prompts, one a line, and save the images. If it is
      interrupted, run the same command line again to resume.
  legnext-stream watch ids.txt
      Follow the jobs of a file, one id a line, on a live display.
  legnext-stream watch ids.txt | jq -r .status
      In a pipe: one JSON object a line for each change, as soon as it is seen.
  submit-jobs | legnext-stream watch - > events.jsonl
      Follow jobs while their ids still arrive.
  legnext-stream watch ids.txt --journal batch.db
      Record what has been seen. To resume, run the same line again.
  legnext-stream status batch.db
      How far that batch has come.
  legnext-stream simulate --jobs 1000 --slots 6
      How long such a batch would take, without submitting anything.
  legnext-stream download --journal batch.db --save-to out/
      The results of all its completed jobs.

Environment:
  LEGNEXT_API_KEY   The API key. There is no option for it, because other
                    users of the machine can see a command line.
  LEGNEXT_BASE_URL  The URL of the API, if it isn't https://api.legnext.ai.
  NO_COLOR          If it is set, the display has no colours.

Exit status:
  0    Every job completed, and its results were saved if that was asked for.
  1    Some job failed, timed out or was not found; or the API or the network
       ended the command.
  2    Wrong options, ids, file, folder, journal, base URL or API key: change
       that first.
  130  Ctrl-C. For any other signal that ended it, 128 + its number.
  141  The program that read the output has stopped reading.
""",
)


async def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(name="SHELL")],
    /,
    *,
    install: Flag = False,
) -> Exit:
    """Print a shell's completion script for this command, or install it.

    Without --install nothing is changed: save what is printed wherever your shell reads it.

    Args:
        shell: bash, zsh or fish.
        install: Write the script where the shell looks for it, and have the shell's startup file
            load it.
    """
    if install:
        path = app.install_completion(shell=shell)
        say(f"Written to {path}. Open a new {shell} to use it.")
    else:
        await write_all(need_stdout().fileno(), app.generate_completion(shell=shell).encode())
    return Exit.COMPLETED


for _command in (
    *(submit, generate, watch, status, download, explain, balance),
    *(simulate, demo, completion),
):
    app.command(
        _command,
        help_format="markdown",
        help_epilogue=f"`{PROGRAM} --help` has examples, the environment and the exit statuses.",
    )


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A path that is not in UTF-8 comes out as it is; in an encoding that lacks a character, an
            # escape does.
            is_utf8 = codecs.lookup(stream.encoding).name == "utf-8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
    try:
        # Separate from the call, so that a bug in a command is never reported as wrong usage.
        command, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    except (CycloptsError, ValueError) as error:
        complain(f"{usage_words(error)} (see {PROGRAM} --help)")
        return Exit.USAGE
    ARGUMENTS.set(tuple(arguments))
    work = partial(command, *bound.args, **bound.kwargs)
    if inspect.iscoroutinefunction(command):
        try:
            # Names of files are taken from here, and so is the name of a journal.
            Path.cwd()
        except OSError as error:
            return fail(UsageError(f"can't use the current folder: {error.strerror or error}"))
        return trio.run(run_to_exit, work)
    # `simulate`, which starts Trio by itself, in virtual time; or `--help`.
    try:
        return work() or Exit.COMPLETED
    except EXPECTED as error:
        return fail(error)
    except OSError as error:
        return fail(OutputError(error))
