"""Small programs, each run in a process of its own: they are interrupted, fork, or end early.

    python -m tests.legnext_stream.bridges.programs NAME

Each prints lines about what happens, and `waiting` when it waits for an event that never comes.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
import os
import sys
import threading
import time
from collections.abc import Iterator

from legnext_stream import ConfigurationError, aio, sync
from mockserver import MockLegnext, Script

_ENDLESS = Script(["pending"])


def say(*words: object) -> None:
    """Print a line, and flush it."""
    print(*words, flush=True)  # noqa: T201 - it is how a program answers


def _threads() -> list[str]:
    # Those of Trio's pool stay for a while, to be used again.
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("legnext")]
    return sorted(names)


def _until_left() -> None:
    """Wait until the library's threads have ended, for at most half a minute."""
    give_up_at = time.monotonic() + 30
    while _threads() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    say("left:", _threads())


def plain() -> None:
    """Ctrl-C in a bare `for`, while it waits."""
    mock = MockLegnext()
    ids = [mock.add_job(_ENDLESS)]
    with sync.LegnextClient("k", "http://mock.test", mock.transport()) as client:
        try:
            for event in client.watch(ids):
                say(event.status)
                say("waiting")
        except KeyboardInterrupt as error:
            say("interrupted", type(error.__context__).__name__)
    _until_left()


def plain_goes_on() -> None:
    """Ctrl-C, after which the program continues to read the same stream."""
    mock = MockLegnext()
    ids = [mock.add_job(_ENDLESS)]
    with (
        sync.LegnextClient("k", "http://mock.test", mock.transport()) as client,
        client.watch(ids) as events,
    ):
        say(next(events).status)
        try:
            say("waiting")
            next(events)
        except KeyboardInterrupt:
            say("interrupted")
        events.add([mock.add_job(_ENDLESS)])
        say(next(events).sequence)
    _until_left()


def plain_call() -> None:
    """Ctrl-C in a call that waits: the call is cancelled before it raises."""
    mock = MockLegnext()
    job_id = mock.add_job(_ENDLESS)
    with sync.LegnextClient("k", "http://mock.test", mock.transport()) as client:

        def announce() -> None:
            while not client.stats.polls:
                time.sleep(0.01)
            say("waiting")

        # By another thread, for this one says nothing once it waits.
        threading.Thread(target=announce).start()
        try:
            client.wait(job_id)
        except KeyboardInterrupt:
            say("interrupted", client.stats.in_flight)
    _until_left()


def plain_uncaught() -> None:
    """Ctrl-C that the program doesn't catch."""
    mock = MockLegnext()
    client = sync.LegnextClient("k", "http://mock.test", mock.transport())
    client.__enter__()
    for event in client.watch([mock.add_job(_ENDLESS)]):
        say(event.status)
        say("waiting")


def under_asyncio() -> None:
    """Ctrl-C under asyncio, while a task waits."""
    mock = MockLegnext()

    async def main() -> None:
        async with aio.LegnextClient("k", "http://mock.test", mock.transport()) as client:
            try:
                async for event in client.watch([mock.add_job(_ENDLESS)]):
                    say(event.status)
                    say("waiting")
            except asyncio.CancelledError:
                say("cancelled")
                raise

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        say("interrupted")
    _until_left()


def open_at_the_end() -> None:
    """The program ends with everything left open, in globals."""
    mock = MockLegnext()
    client = sync.LegnextClient("k", "http://mock.test", mock.transport())
    client.__enter__()
    events = client.watch([mock.add_job(_ENDLESS)])
    say(next(events).status)
    globals().update(kept=(client, events))


def a_source_that_blocks() -> None:
    """The program ends while an iterator waits for its next id, forever."""
    mock = MockLegnext()
    job_id = mock.add_job(_ENDLESS)

    def source() -> Iterator[str]:
        yield job_id
        threading.Event().wait()

    with sync.LegnextClient("k", "http://mock.test", mock.transport()) as client:
        for event in client.watch(source()):
            say(event.status)
            break


def forked() -> None:
    """A child can't use what its parent opened, and what it opens itself works."""
    mock = MockLegnext()
    ids = [mock.add_job(_ENDLESS)]
    with (
        sync.LegnextClient("k", "http://mock.test", mock.transport()) as client,
        client.watch(ids) as events,
    ):
        say(next(events).status)
        child = os.fork()
        if not child:
            for use in (lambda: next(events), client.balance):
                try:
                    use()
                except ConfigurationError as error:
                    say(error)
            events.close()
            client.close()
            own = MockLegnext()
            with sync.LegnextClient("k", "http://mock.test", own.transport()) as another:
                say("child", another.get_job(own.add_job(_ENDLESS)).status)
            os._exit(0)
        os.waitpid(child, 0)
        say("parent", client.get_job(ids[0]).status)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
