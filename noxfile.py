"""What is run on a change. `nox --list` names the sessions, and `nox -s lint` runs one of them.

Each session installs what it needs into an environment of its own. With `--no-venv` it uses the active
environment as it is. That is how `.ci/run` calls these sessions, which all share one environment there.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Final

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_external_run = True

ROOT: Final = Path(__file__).parent
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
PROJECT: Final = nox.project.load_toml("pyproject.toml")["project"]
# 127 would have httpx replaced by another library; 114, 123, 124 and those from 900 are house rules of
# other projects, off by default where the plugin runs under flake8.
ASYNC_RULES_OFF: Final = ",".join(
    f"ASYNC{rule}" for rule in (114, 123, 124, 127, 900, 910, 911, 912, 913)
)


def install(session: nox.Session, *packages: str) -> None:
    """Install packages into the session's own environment, if it has one."""
    if session.venv_backend != "none":
        session.install(*packages)


def pinned(name: str) -> str:
    """The requirement of a tool, as pyproject.toml pins it: `"coverage"` is `"coverage==7.17.3"`."""
    (found,) = (
        requirement
        for extra in PROJECT["optional-dependencies"].values()
        for requirement in extra
        if requirement.startswith(f"{name}==")
    )
    return str(found)


def readme_commands(word: str) -> list[list[str]]:
    """The commands of the line of the README that starts with `pip install` and has this word."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\$ (pip install .*{word}.*)$", readme, re.MULTILINE)
    return [shlex.split(command) for command in line.split("&&")]


def run_marked(session: nox.Session, markers: str, *packages: str) -> None:
    """Run the tests that have these markers, and try all examples of Hypothesis."""
    install(session, "-e", ".[test]", *packages)
    env = {"HYPOTHESIS_PROFILE": "thorough"}
    session.run("pytest", "-n", "auto", "-m", markers, *session.posargs, env=env)


# ---------------------------------------------------------------- tests


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The README's test command."""
    for command in readme_commands("pytest"):
        session.run(*command)


@nox.session
def coverage(session: nox.Session) -> None:
    """The README's test command, measured: it has to reach every branch."""
    # Nothing else may come before the README's command: it has to work in a fresh environment.
    install(session, pinned("coverage"))
    session.run("coverage", "erase")
    *installing, testing = readme_commands("pytest")
    for command in installing:
        session.run(*command)
    session.run(*testing, env={"COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml")})
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def campaigns(session: nox.Session) -> None:
    """The long tests: many worlds, a thousand jobs, kills, and a library broken on purpose."""
    run_marked(session, "campaign")


@nox.session
def properties(session: nox.Session) -> None:
    """All tests that Hypothesis drives, with many more examples than in a quick run."""
    run_marked(session, "hypothesis")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hostile input to the library, and Schemathesis against the mock server."""
    run_marked(session, "fuzz")


@nox.session
def documented(session: nox.Session) -> None:
    """What the documentation tells people to type is typed, and its examples and notebook run."""
    # Type checkers read the examples too.
    run_marked(session, "documented", "-e", ".[lint]")


@nox.session
def thorough(session: nox.Session) -> None:
    """The four sessions above at once, which takes less time than one after the other."""
    run_marked(session, "campaign or hypothesis or fuzz or documented", "-e", ".[lint]")


# ---------------------------------------------------------------- checks of the code


@nox.session
def lint(session: nox.Session) -> None:
    """Format, linters, dependency rules, and whether the generated code is current."""
    install(session, "-e", ".[lint]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("python", ".ci/make_sync.py", "--check")
    session.run("lint-imports")
    # The rules are about asynchronous code, and files without any would take half the time.
    asynchronous = ("git", "grep", "--files-with-matches", "async ", "*.py")
    files = str(session.run(*asynchronous, silent=True, external=True)).split()
    session.run("flake8-async", "--disable", ASYNC_RULES_OFF, *files)


@nox.session
def types(session: nox.Session) -> None:
    """Two type checkers, and that all public names have types."""
    install(session, "-e", ".[test,docs,bench,lint]")
    session.run("mypy")
    session.run("mypy", "--no-namespace-packages", ".ci/make_sync.py", "noxfile.py")
    session.run("pyright")
    for package in ("legnext_stream", "mockserver"):
        session.run("pyright", "--verifytypes", package, "--ignoreexternal")


# ---------------------------------------------------------------- what is published, and how fast it is


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, where a warning is an error."""
    install(session, "-e", ".[docs]")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    session.run("sphinx-build", *strict, "docs", ".ci/site")


@nox.session
def bench_quick(session: nox.Session) -> None:
    """Polling against the figures in docs/polling/quick.json, and performance against wide bounds."""
    install(session, "-e", ".[bench]")
    session.run("python", "-m", "benchmarks", "--quick", "--check")
    # Instructions are counted where there is a valgrind.
    session.run("python", "-m", "benchmarks.performance", "--quick", "--check")


@nox.session
def wheel(session: nox.Session) -> None:
    """The README's demo, with the wheel in place of the folder and nothing of the folder in reach."""
    install(session, pinned("build"))
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        session.run("python", "-m", "build", "--wheel", "--outdir", "built", str(ROOT))
        session.run("python", "-m", "venv", "clean")
        (package,) = Path(folder, "built").glob("*.whl")
        programs = Path(folder, "clean", "Scripts" if sys.platform == "win32" else "bin")
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        for command in readme_commands("demo"):
            program, *words = (word.replace(".[demo]", f"{package}[demo]") for word in command)
            session.run(str(programs / program), *words, env={"PATH": path}, external=True)
