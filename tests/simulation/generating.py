"""The program that `generate_kills` kills: it generates a batch, and prints each event as a line of JSON.

    python -m tests.simulation.generating URL JOURNAL FOLDER PROMPTS

Every run gets all prompts again. It prints each event before it asks for the next one, which acknowledges
the event.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import trio

from legnext_stream import Pacing, Prompt, generate

QUICKLY = Pacing(min_interval=0.1, max_interval=1.0, initial_rate=50.0, max_rate=200.0)


def prompts_of(count: int) -> list[str | Prompt]:
    """A batch in which each text occurs once, except for one that occurs three times."""
    prompts: list[str | Prompt] = [
        Prompt(f"a cat, number {number}", tag={"number": number}) for number in range(1, count - 2)
    ]
    return [*prompts, "a dog", "a dog", "a dog"]


async def run(url: str, journal: Path, folder: Path, count: int) -> None:
    """Generate the batch."""
    stream = generate(
        prompts_of(count),
        api_key="kills",
        base_url=url,
        pacing=QUICKLY,
        journal=journal,
        save_to=folder,
        name="{position}-{number}{suffix}",
    )
    async with stream as events:
        async for event in events:
            line = {
                "position": event.position,
                "text": event.prompt.text,
                "tag": event.prompt.tag,
                "job_id": event.job_id,
                "status": event.status,
                "files": [[str(file.path), file.size] for file in event.files],
                "download_error": event.download_error and str(event.download_error),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    where, journal, folder, count = sys.argv[1:]
    trio.run(run, where, Path(journal), Path(folder), int(count))
