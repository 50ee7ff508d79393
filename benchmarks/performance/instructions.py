"""CPU instructions a poll, counted by valgrind: the one figure that doesn't depend on other load.

The core alone (see `workload`) is run with fewer and with more jobs. The figure is the difference per
poll, so that the interpreter's start and the imports cancel out. With all randomness fixed, two counts
of the same code differ by less than one in a thousand.

It is compared with the last release: the newest tag, which is counted in the same run, or else the
counts in released.json. Stored counts are comparable only with the same build of Python.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import attrs

from benchmarks.performance.rounds import CannotMeasureError, Row

TARGET: Final = 1.02
QUICK_BOUND: Final = 1.15
_ROOT: Final = Path(__file__).parents[2]
_WORKLOAD: Final = Path(__file__).with_name("workload.py")
_RELEASED: Final = Path(__file__).with_name("released.json")
# The number of jobs of the shorter and the longer run.
_QUICK: Final = (30, 90)
_FULL: Final = (100, 400)
_COUNTED: Final = re.compile(r"Collected : (\d+)")


@attrs.frozen
class _Run:
    """One run of the workload."""

    polls: int
    instructions: int


@attrs.frozen
class Release:
    """The stored counts of a release.

    Attributes:
        version: Its version.
        python: The build of Python and the counter; see `python`.
        quick: Instructions a poll, in the quick form.
        full: Instructions a poll.
    """

    version: str
    python: str
    quick: float
    full: float


def measure(*, quick: bool, against: str | None = None) -> list[Row]:
    """Count the instructions a poll of this tree, and of the last release.

    Args:
        quick: Whether shorter runs are enough.
        against: The commit to compare with; by default the newest tag, or without tags the counts
            in released.json.

    Raises:
        CannotMeasureError: There is no valgrind, or nothing to compare with.
    """
    ref = against or _newest_tag()
    if ref is None:
        release = _kept()
        theirs, name = release.quick if quick else release.full, f"{release.version}, as stored"
        ours = instructions_a_poll(_ROOT, quick=quick)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(ref, Path(folder))
            theirs, name = instructions_a_poll(Path(folder), quick=quick), ref
            ours = instructions_a_poll(_ROOT, quick=quick)
    ratio = ours / theirs
    return [
        Row(
            name="instructions per poll, core alone",
            against=name,
            ours=ours,
            theirs=theirs,
            figure=ratio,
            unit="x",
            target=TARGET,
            at_least=False,
            rounds=1,
            spread=(ratio, ratio),
            quick_bound=QUICK_BOUND,
        )
    ]


def keep_release(ref: str | None = None) -> Path:
    """Count this tree or another commit, and store it as the last release."""
    if ref is None:
        return _keep(_ROOT)
    with tempfile.TemporaryDirectory() as folder:
        _unpack(ref, Path(folder))
        return _keep(Path(folder))


def _keep(root: Path) -> Path:
    # Earlier releases have version.py.
    (file,) = (root / "legnext_stream").glob("*version.py")
    text = file.read_text(encoding="utf-8")
    version = re.search(r'__version__\b.*= "(.+)"', text)
    if version is None:
        raise RuntimeError("legnext_stream/_version.py says no version")
    release = Release(
        version=version[1],
        python=python(),
        quick=round(instructions_a_poll(root, quick=True)),
        full=round(instructions_a_poll(root, quick=False)),
    )
    _RELEASED.write_text(json.dumps(attrs.asdict(release), indent=1) + "\n", encoding="utf-8")
    return _RELEASED


def _kept() -> Release:
    release = Release(**json.loads(_RELEASED.read_text(encoding="utf-8")))
    if release.python != python():
        raise CannotMeasureError(
            f"the counts in {_RELEASED.name} are those of {release.python}, and this is "
            f"{python()}; name a release with --against"
        )
    return release


def python() -> str:
    """What a count depends on besides the code: the build of Python, and the counter."""
    return ", ".join(
        (
            f"{platform.python_implementation()} {platform.python_version()}",
            platform.python_compiler(),
            platform.machine(),
            _output([_valgrind(), "--version"]).strip(),
        )
    )


def instructions_a_poll(root: Path, *, quick: bool) -> float:
    """The instructions of one more poll.

    Args:
        root: The folder with the `legnext_stream` to run.
        quick: Whether shorter runs are enough.
    """
    # Two at once: other load doesn't change a count.
    with ThreadPoolExecutor(2) as pool:
        few, many = pool.map(lambda jobs: _count(root, jobs), _QUICK if quick else _FULL)
    return (many.instructions - few.instructions) / (many.polls - few.polls)


def _count(root: Path, jobs: int) -> _Run:
    """Run the workload, and count its instructions."""
    plain = [sys.executable, "-P", str(_WORKLOAD), str(jobs)]
    # A first run that isn't counted compiles the modules.
    polls = _polls(root, _output(plain, _environment(root)))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        counting = ["--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
        counted = _polls(root, _output([_valgrind(), *counting, *plain], _environment(root)))
        found = _COUNTED.search(log.read_text(encoding="utf-8"))
    if found is None or counted != polls:
        raise RuntimeError(f"valgrind counted nothing, or {counted} polls for {polls}")
    return _Run(polls, int(found[1]))


def _polls(root: Path, printed: str) -> int:
    done = json.loads(printed)
    if Path(done["path"]).parent != root:
        raise RuntimeError(f"{done['path']} was run in place of what is in {root}")
    return int(done["polls"])


def _environment(root: Path) -> Mapping[str, str]:
    """A minimal environment, with the same hashes, and so the same order of sets, in each run."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "PYTHONHASHSEED": "0"}


def _valgrind() -> str:
    found = shutil.which("valgrind")
    if found is None:
        raise CannotMeasureError("there is no valgrind here (Debian's package: valgrind)")
    return found


def _newest_tag() -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(_ROOT), "describe", "--tags", "--abbrev=0"]
    # The command is ours. A folder without tags, or without a repository, is no error.
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - see above
    return found.stdout.strip() or None


def _unpack(ref: str, folder: Path) -> None:
    """Put the library of another commit into a folder."""
    git = shutil.which("git")
    if git is None:
        raise CannotMeasureError("there is no git here to bring another version from")
    # A ref that git would take for an option.
    command = [git, "-C", str(_ROOT), "archive", "--end-of-options", ref, "legnext_stream"]
    archive = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - see above
    if archive.returncode:
        raise CannotMeasureError(f"git has no {ref}: {archive.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


def _output(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    run = subprocess.run(  # noqa: S603 - the commands are this module's own
        command, capture_output=True, text=True, check=False, env=environment
    )
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{run.stderr}")
    return run.stdout
