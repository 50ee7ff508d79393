"""Every Python block of the README and of the documentation runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks() -> Iterator[object]:
    for page in _PAGES:
        for number, match in enumerate(_BLOCK.finditer(page.read_text()), 1):
            yield pytest.param(match[1], id=f"{page.relative_to(_ROOT)}-{number}")


@pytest.fixture(scope="module")
def api() -> Iterator[tuple[str, list[str]]]:
    """A mock server in another process, a minute a second, and the ids of the jobs in it."""
    command = [sys.executable, "-m", "mockserver", "--port", "0", "--seed", "3"]
    command += ["--time-scale", "60", "--jobs", "6"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = re.findall(r"http://\S+", server.stdout.readline())[0]
            yield url, list(httpx.get(f"{url}/__admin/truth", trust_env=False).json())
        finally:
            server.terminate()


@pytest.mark.parametrize("block", list(_blocks()))
def test_example_runs(
    block: str,
    api: tuple[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An example runs to its end, against the mock server, without an error."""
    url, job_ids = api
    monkeypatch.setenv("LEGNEXT_API_KEY", "test")
    monkeypatch.setenv("LEGNEXT_BASE_URL", url)
    file = tmp_path / "test_example.py"
    if "def test_" in block:
        file.write_text(block)
        command = [sys.executable, "-m", "pytest", "-q", "-o", "trio_mode=true", str(file)]
    else:
        file.write_text(f"job_ids = {job_ids!r}\n{block}")
        command = [sys.executable, "-W", "error", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
