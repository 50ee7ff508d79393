"""`legnext-stream balance`: what the account has left."""

from __future__ import annotations

from functools import partial
from json import dumps

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit
from legnext_stream._cli.options import BaseUrl, Json
from legnext_stream._cli.running import need_key, need_stdout, run_to_exit
from legnext_stream._client import LegnextClient


def balance(*, json: Json = False, base_url: BaseUrl = None) -> int:
    """Say what the account has left.

    Args:
        json: Write one line of JSON.
        base_url: Where the API is.
    """
    return run_to_exit(partial(run_balance, wants_json=json, base_url=base_url))


async def run_balance(*, wants_json: bool, base_url: str | None) -> Exit:
    """Ask, and print it.

    Raises:
        UsageError: The environment or the streams of this process can't be used.
        LegnextError: The API refused, or there was no answer.
        OutputError: It can't be written.
    """
    need_key()
    stdout = need_stdout()
    async with LegnextClient(base_url=base_url) as client:
        left = await client.balance()
    if wants_json:
        numbers = {
            "balance_usd": left.balance_usd,
            "available_credits": left.available_credits,
            "available_points": left.available_points,
        }
        text = dumps(numbers)
    else:
        text = (
            f"balance  {left.balance_usd:>12,.2f} US dollars\n"
            f"credits  {left.available_credits:>12,.10g}\n"
            f"points   {left.available_points:>12,.10g}"
        )
    await write_all(stdout.fileno(), f"{text}\n".encode())
    return Exit.COMPLETED
