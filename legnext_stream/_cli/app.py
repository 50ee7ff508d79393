"""The command with its subcommands, and what `--help` says of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from legnext_stream._cli.commands.balance import balance
from legnext_stream._cli.commands.completion import completion
from legnext_stream._cli.commands.demo import demo
from legnext_stream._cli.commands.download import download
from legnext_stream._cli.commands.explain import explain
from legnext_stream._cli.commands.generate import generate
from legnext_stream._cli.commands.simulate import simulate
from legnext_stream._cli.commands.status import status
from legnext_stream._cli.commands.submit import submit
from legnext_stream._cli.commands.watch import watch
from legnext_stream._cli.exits import PROGRAM, Exit, complain
from legnext_stream._cli.options import MORE
from legnext_stream._version import __version__

app: App = App(
    name=PROGRAM,
    version=__version__,
    version_flags=["--version"],
    help_format="plaintext",
    help="""Many Legnext jobs as one stream of status changes.

Rate limits, retries, intervals and queues are taken care of: name the jobs, and read what changes.
""",
    # By hand, in lines of at most 78 characters: it is printed as it stands.
    help_epilogue="""\
Try:
  legnext-stream demo
      See it work: 200 simulated jobs, with no key and no network.
  legnext-stream generate prompts.txt --save-to out/ --journal batch.db
      Submit a file of prompts, one a line, and save the images; after a
      restart, go on by the same line.
  legnext-stream watch ids.txt
      Follow the jobs of a file, one id a line, on a live display.
  legnext-stream watch ids.txt | jq -r .status
      In a pipe: one JSON object a line for each change, once it is seen.
  submit-jobs | legnext-stream watch - > events.jsonl
      Follow jobs while their ids go on arriving.
  legnext-stream watch ids.txt --journal batch.db
      The same, to be gone on with after a restart: by the same line.
  legnext-stream status batch.db
      Where that batch stands.
  legnext-stream simulate --jobs 1000 --slots 6
      What such a batch would take and cost, without submitting anything.
  legnext-stream download --journal batch.db --save-to out/
      The results of all its completed jobs.

Environment:
  LEGNEXT_API_KEY   The API key. There is no option for it, for others can
                    read a command line.
  LEGNEXT_BASE_URL  Where the API is, instead of https://api.legnext.ai.
  NO_COLOR          Set to anything: a display without colours.

Exit status:
  0    Every job completed, and its results are saved where that was asked for.
  1    Some job failed, timed out or was not found; or the API or the network
       ended the watch.
  2    Wrong options, ids, file, base URL or API key: change that first.
  130  Ctrl-C (128 + the number of any other signal that ended it).
  141  Whoever read the output has stopped reading.
""",
)

for _command in (
    *(submit, generate, watch, status, download, explain, balance),
    *(simulate, demo, completion),
):
    app.command(_command, help_format="markdown", help_epilogue=MORE)


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; return the exit status."""
    try:
        # Parsed apart from being run, so that a bug in a command is never taken for wrong usage.
        command, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    except (CycloptsError, ValueError) as error:
        complain(f"{_in_options(str(error))} (see {PROGRAM} --help)")
        return Exit.USAGE
    exit_status = command(*bound.args, **bound.kwargs)
    return Exit.COMPLETED if exit_status is None else int(exit_status)


def _in_options(message: str) -> str:
    """A message about settings, with the names that the command line has for them."""
    message = re.sub(r"Pacing\((\w+=[^)]*)\)", r"\1", message)
    return re.sub(r"\b([a-z]+(?:_[a-z]+)+)=", lambda found: f"--{_hyphened(found[1])}=", message)


def _hyphened(name: str) -> str:
    return name.replace("_", "-")
