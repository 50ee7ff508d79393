"""The files for contributors are valid, and name sessions, commands and files that exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[1]
_WORKFLOW: Final = ROOT / ".github" / "workflows" / "ci.yml"
_ISSUE_FORMS: Final = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
_CONTRIBUTING: Final = (ROOT / "CONTRIBUTING.md").read_text()
# A path in backticks: with a slash or a suffix, and nothing that is a placeholder or a command.
_PATH: Final = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+)?|[\w-]+\.(?:py|md|toml))`")


def _load(file: Path) -> Any:  # noqa: ANN401 - YAML can hold anything
    return yaml.safe_load(file.read_text())


def _sessions() -> set[str]:
    """Return the names of the sessions in noxfile.py, with their Python versions where they have them."""
    text = (ROOT / "noxfile.py").read_text()
    pythons: tuple[str, ...] = ()
    if found := re.search(r"^PYTHONS: Final = (\(.*?\))$", text, re.MULTILINE):
        pythons = ast.literal_eval(found[1])
    sessions = set[str]()
    for options, name in re.findall(r"^@nox\.session(.*)\ndef (\w+)\(", text, re.MULTILINE):
        sessions.add(name)
        if "python=PYTHONS" in options:
            sessions |= {f"{name}-{version}" for version in pythons}
    return sessions


def _steps(job: dict[str, Any]) -> list[str]:
    """Return the commands of a job of the workflow."""
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_workflow_runs_sessions_that_exist() -> None:
    """The workflow runs existing nox sessions on all systems and Python versions, and `.ci/run`."""
    jobs, sessions = _load(_WORKFLOW)["jobs"], _sessions()
    tests, checks = jobs["tests"], jobs["checks"]
    matrix = tests["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {f"tests-{version}" for version in matrix["python"]} <= sessions
    assert "nox -s tests-${{ matrix.python }}" in _steps(tests)
    assert checks["strategy"]["matrix"]["session"]
    assert set(checks["strategy"]["matrix"]["session"]) <= sessions
    assert "nox -s ${{ matrix.session }}" in _steps(checks)
    assert ".ci/run" in _steps(jobs["everything"])


@pytest.mark.parametrize("form", _ISSUE_FORMS, ids=lambda form: form.stem)
def test_issue_forms_are_valid(form: Path) -> None:
    """Each form has a name, a description, and fields with unique ids and labels."""
    content = _load(form)
    assert content["name"]
    assert content["description"]
    fields = content["body"]
    assert all(field["type"] in {"textarea", "input", "dropdown"} for field in fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields) > 1


def test_pre_commit_hooks_are_local() -> None:
    """Hooks run pinned tools or scripts of the project, and need no other repository."""
    repositories = _load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    pinned = {
        name.partition("==")[0] for extra in extras.values() for name in extra if "==" in name
    }
    for hook in repositories[0]["hooks"]:
        assert hook["language"] == "system"
        program, *words = hook["entry"].split()
        if program == "python":
            assert (ROOT / words[0]).is_file()
        else:
            assert {"lint-imports": "import-linter"}.get(program, program) in pinned


def test_contributing_names_sessions_that_exist() -> None:
    """Each `nox -s` in CONTRIBUTING.md names a session."""
    named = re.findall(r"nox -s ([\w.-]*\w)", _CONTRIBUTING)
    assert named
    assert set(named) <= _sessions()


def test_contributing_names_files_that_exist() -> None:
    """Each path in backticks in CONTRIBUTING.md exists, from the root or within a package."""
    folders = (ROOT, ROOT / "legnext_stream", ROOT / "mockserver")
    paths = set(_PATH.findall(_CONTRIBUTING))
    assert len(paths) > 20
    assert {
        path for path in paths if not any((folder / path).exists() for folder in folders)
    } == set()


def test_the_example_of_a_fault_works() -> None:
    """The fault in CONTRIBUTING.md damages an answer as it says."""
    (example,) = re.findall(r"^```python\n(.*?)^```$", _CONTRIBUTING, re.MULTILINE | re.DOTALL)
    program = (
        "import attrs\n"
        "from mockserver._faults.fault import Answered, Damages\n"
        f"{example}\n"
        "print(ByteOrderMark().damage(Answered(200, (), b'{}')).body)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "b'\\xef\\xbb\\xbf{}'\n"


def test_the_source_distribution_has_what_contributors_need() -> None:
    """The archive contains the files to run the tests and checks."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "noxfile.py", "tests", "docs"} <= set(included)
    assert [name for name in included if not (ROOT / name).exists()] == []
