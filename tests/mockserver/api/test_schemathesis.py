"""The API against its own description, by Schemathesis over a socket: all checks, all phases."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from mockserver import Fixed, MockLegnext

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.fuzz
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Generated requests, good and bad, alone and one after the other, find no fault in the API.

    Jobs end at once, so that what follows on a completed job is reached too.
    """
    mock = MockLegnext(slots=None, time_scale=1e6, run_times=Fixed(1), api_keys=["right"])
    async with mock.serve() as url:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            *(f"{url}/openapi.json", "--header", "x-api-key: right", "--no-color"),
        ]
        # Its own lines are not what is measured, and measuring makes it slow.
        environment = {name: v for name, v in os.environ.items() if "COV" not in name}
        run = await trio.run_process(
            command,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
    report = run.stdout.decode()
    assert run.returncode == 0, report
    for phase in ("Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in report.replace("  ", " "), report
    assert not mock.crashes
    # It went deep: jobs were made of other jobs.
    made_of = [mock.world.job(job_id, mock.now).parent for job_id in mock.world.job_ids()]
    assert sum(parent is not None for parent in made_of) > 10
