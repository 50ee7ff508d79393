"""`legnext-stream balance`: what the account has left."""

from __future__ import annotations

from json import dumps

import attrs

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit
from legnext_stream._cli.notices import client_for
from legnext_stream._cli.options import ApiOptions
from legnext_stream._cli.running import need_key, need_stdout


async def balance(*, options: ApiOptions = ApiOptions()) -> Exit:  # noqa: B008 - frozen
    """Print what the account has left."""
    need_key()
    stdout = need_stdout()
    async with client_for(options) as client:
        left = await client.balance()
    if options.json:
        text = dumps(attrs.asdict(left, filter=attrs.filters.exclude("raw")))
    else:
        text = (
            f"balance  {left.balance_usd:>12,.2f} US dollars\n"
            f"credits  {left.available_credits:>12,.10g}\n"
            f"points   {left.available_points:>12,.10g}"
        )
    await write_all(stdout.fileno(), f"{text}\n".encode())
    return Exit.COMPLETED
