"""`legnext-stream submit`."""

from __future__ import annotations

from pathlib import Path

import pytest

from legnext_stream._cli.app import run
from tests.legnext_stream.cli.support import KEY, run_command
from tests.servers import MockServer


def test_a_job_and_its_id(empty_mock: MockServer) -> None:
    """It prints the id or JSON; a refusal has the API's message."""
    where = f"--base-url={empty_mock.url}"
    result = run_command("submit", "diffusion", "--text=a fox", where)
    assert result.status == 0, result.err
    assert result.out.strip() in empty_mock.truth()
    result = run_command("submit", "describe", "img_url=https://a/b.png", "--json", where)
    (told,) = result.events
    assert told["task_type"] == "describe"
    assert told["status"] == "pending"
    result = run_command("submit", "diffusion", "--text=a", "--callback=http://127.0.0.1:9/", where)
    assert result.status == 0, result.err
    result = run_command("submit", "upscale", "jobId=job-1", "imageNo=0", "type=0", where)
    assert result.status == 1
    assert "Job not found" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "TASK"),
        (["paint"], "paint"),
        (["upscale", "--text", "a fox"], "upscale takes no text"),
        (["diffusion", "text=a", "--text", "b"], "twice"),
        (["diffusion", "text"], "not of the form"),
        (["diffusion"], "diffusion needs a text: add --text"),
        (["retexture", "imgUrl=https://a/b.png"], "retexture needs a text"),
        (["diffusion", "text=a", "--callback", "me"], "--callback must be an http or https URL"),
        (["diffusion", "a red fox"], "did you mean --text 'a red fox'?"),
        (
            ["diffusion", "a", "x=1", "fox"],
            "'a' is not of the form NAME=VALUE; did you mean --text 'a fox'?",
        ),
        (["upscale", "1234"], "'1234' is not of the form NAME=VALUE\n"),
        (["diffusion", "a fox", "--text", "b"], "'a fox' is not of the form NAME=VALUE\n"),
        (["diffusion", "text=@png"], "text can't be a file: only mask takes @FILE"),
        (["inpaint", "mask=@png", "imageNo=@png"], "imageNo can't be a file"),
        (
            ["diffusion", "text=a", "callback=a", "--callback", "http://b"],
            "callback is given twice",
        ),
        (["diffusion", "text=a", "task_type=a"], "no task has a field task_type"),
        (["diffusion", "text=a", "x=\udcff"], "x can't be sent: 'utf-8' codec can't encode"),
        (["diffusion", "text=a", "--callback", "http://\udcff"], "--callback can't be sent: "),
        (["diffusion", "--text", "\udcff"], "can't be encoded"),
    ],
)
def test_wrong_usage_is_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One message says what to change, and the status is 2."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    Path("png").write_bytes(b"\x89PNG")
    assert run(["submit", *arguments]) == 2
    err = capfd.readouterr().err
    assert message in err
    assert err.count("\n") == 1
