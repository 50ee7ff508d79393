"""`legnext-stream balance`."""

from __future__ import annotations

from tests.legnext_stream.cli.support import run_command
from tests.servers import MockServer


def test_what_the_account_has_left(empty_mock: MockServer) -> None:
    """It is printed in words, or as JSON."""
    where = f"--base-url={empty_mock.url}"
    result = run_command("balance", where)
    assert result.status == 0, result.err
    assert [line.split()[0] for line in result.out.splitlines()] == ["balance", "credits", "points"]
    (left,) = run_command("balance", "--json", where).events
    assert set(left) == {"balance_usd", "available_credits", "available_points"}
    assert left["available_credits"] > 0
