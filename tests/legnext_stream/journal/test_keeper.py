"""What a watch keeps, and when: nothing is written that the file has already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from legnext_stream import Pacing
from legnext_stream._core.tracker import Tracker
from legnext_stream._journal import Entry, Keeper, Learned, Store
from tests.legnext_stream.journal.support import fingerprint
from tests.legnext_stream.support import URL, pacer_for


class Watch:
    """Stands for a watch, for all that its journal sees of it.

    Attributes:
        learned: What polling has taught.
        writes: What was written, write by write: each waits for the disk.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.learned: dict[str, Mapping[str, object]] = {"pace": {"ceiling": None}}
        self.writes: list[list[Entry]] = []
        self._path = path
        write = Store.write

        def count(store: Store, entries: Sequence[Entry]) -> None:
            self.writes.append(list(entries))
            write(store, entries)

        monkeypatch.setattr(Store, "write", count)

    async def goes_on(self, seconds: float, *, then: Mapping[str, object] | None = None) -> None:
        """A watch from its beginning to its end; in the middle of it something may be learned."""
        account = SimpleNamespace(
            lanes=SimpleNamespace(base_url=URL, fingerprint=fingerprint),
            learned=lambda: self.learned,
            remember=lambda _name, _state: None,
        )
        keeper = Keeper(self._path, account)  # type: ignore[arg-type] # all that it needs of one
        keeper.watch = SimpleNamespace(
            tracker=Tracker(pacing=Pacing(), timeout=None, pacer=pacer_for(Pacing()))
        )
        await keeper.open()
        await keeper.restore()
        with trio.move_on_after(seconds / 2):
            await keeper.run()
        if then is not None:
            self.learned = {"pace": then}
        with trio.move_on_after(seconds / 2):
            await keeper.run()
        await keeper.close()


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A watch with a new journal."""
    return Watch(tmp_path / "batch.db", monkeypatch)


async def test_nothing_new_is_not_written(watch: Watch) -> None:
    """What was learned is written once; in an hour without news the disk may sleep."""
    await watch.goes_on(3600)
    assert watch.writes == [[Learned("pace", {"ceiling": None})]]


async def test_what_is_learned_is_written_as_it_changes(watch: Watch) -> None:
    """Each state once, within seconds, and not only at the end."""
    await watch.goes_on(3600, then={"ceiling": 2.5})
    assert watch.writes == [
        [Learned("pace", {"ceiling": None})],
        [Learned("pace", {"ceiling": 2.5})],
    ]


async def test_the_next_watch_does_not_write_it_again(watch: Watch) -> None:
    """What the file has of an earlier watch isn't news."""
    await watch.goes_on(60)
    watch.writes.clear()
    await watch.goes_on(3600)
    assert watch.writes == []
    await watch.goes_on(60, then={"ceiling": 1.0})
    assert watch.writes == [[Learned("pace", {"ceiling": 1.0})]]


async def test_a_short_watch_keeps_what_it_learned(watch: Watch) -> None:
    """Also one that ends before it was time to write."""
    await watch.goes_on(1, then={"ceiling": 1.5})
    assert watch.writes == [[Learned("pace", {"ceiling": 1.5})]]
