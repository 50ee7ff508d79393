"""The gate in front of the routes: limits, latency and the journal."""

from __future__ import annotations

import httpx
import pytest
import trio

from mockserver import Concurrency, Fixed, MockLegnext, run_virtual
from tests.mockserver.helpers import client_of


def test_a_request_that_is_given_up_gives_its_place_back() -> None:
    """A client that hangs up while its answer is on the way is counted as under way no longer."""

    async def main() -> None:
        mock = MockLegnext(limit=Concurrency(1), latency=Fixed(5.0))
        (job_id,) = mock.add_jobs(1)
        path = f"/api/v1/job/{job_id}"
        async with client_of(mock, timeout=1.0) as hasty, client_of(mock, timeout=60.0) as patient:
            with pytest.raises(httpx.ReadTimeout):
                await hasty.get(path)
            await trio.sleep(10)
            assert (await patient.get(path)).status_code == 200

    run_virtual(main)
