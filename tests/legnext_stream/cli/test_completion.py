"""`legnext-stream completion`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from legnext_stream._cli.app import run

_BASH = shutil.which("bash")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The script has all commands, options and choices."""
    assert run(["completion", shell]) == 0
    text = capfd.readouterr().out
    for word in ("generate", "save-to", "explain", "max-in-flight", "upload-paint", "completion"):
        assert word in text


@pytest.mark.skipif(_BASH is None, reason="there is no bash")
def test_bash_completes_with_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Bash completes commands and options with it."""
    run(["completion", "bash"])
    script = tmp_path / "completion.bash"
    script.write_text(capfd.readouterr().out)
    typed = """
        source "$1"
        complete_for() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            "$(complete -p legnext-stream | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
            echo "${COMPREPLY[@]}"
        }
        complete_for legnext-stream gen
        complete_for legnext-stream generate --save
    """
    done = subprocess.run(
        [str(_BASH), "-c", typed, "bash", script], capture_output=True, text=True, check=True
    )
    assert [line.split() for line in done.stdout.splitlines()] == [["generate"], ["--save-to"]]


def test_it_is_installed_where_the_shell_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """--install writes the script below the home directory."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "BASH_COMPLETION_USER_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(["completion", "bash", "--install"]) == 0
    said = capfd.readouterr().err
    assert said.startswith(f"Written to {tmp_path}")
    assert Path(said.partition("Written to ")[2].partition(". Open")[0]).is_file()


def test_a_closed_output_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A closed standard output is an error."""
    monkeypatch.setattr(sys, "stdout", None)
    assert run(["completion", "bash"]) == 2
    assert "it is closed" in capfd.readouterr().err
