"""The file of a result on disk: a part or complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from legnext_stream._core.results.resuming import Mark
from legnext_stream._results.part import OtherFileError, Part, find_whole
from mockserver._files import content_of

PNG = content_of("a", "0.png").body
MARK = Mark("https://a.example/0.png", '"e"', len(PNG))


def claim(folder: Path) -> Part:
    """The part of the result `x`."""
    part = Part.claim(folder / "x.part")
    assert part is not None
    return part


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_from_the_first_byte_to_the_name(tmp_path: Path) -> None:
    """The file gets its name at the end, and nothing else is left."""
    part = claim(tmp_path)
    part.begin(MARK)
    for place in range(0, len(PNG), 1000):
        assert not part.is_complete
        part.append(PNG[place : place + 1000])
    assert names(tmp_path) == ["x.part", "x.part.json"]
    assert part.is_complete
    assert part.read(0, 8) == PNG[:8]
    assert part.finish(tmp_path / "x.png") is False
    assert names(tmp_path) == ["x.png"]
    assert (tmp_path / "x.png").read_bytes() == PNG


def test_a_later_process_resumes(tmp_path: Path) -> None:
    """The part and its mark are found again."""
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(PNG[:5000])
    part.close()
    part.close()
    again = claim(tmp_path)
    assert (again.size, again.mark, again.is_complete) == (5000, MARK, False)
    again.append(PNG[5000:])
    assert again.is_complete
    again.finish(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == PNG


@pytest.mark.parametrize("noted", [None, b"", b"{", b'{"url": 5}', b"\xff", b"[" * 100_000])
def test_a_part_without_a_note(tmp_path: Path, noted: bytes | None) -> None:
    """A part without a readable note can't be resumed."""
    (tmp_path / "x.part").write_bytes(PNG[:5000])
    if noted is not None:
        (tmp_path / "x.part.json").write_bytes(noted)
    part = claim(tmp_path)
    assert (part.size, part.mark, part.is_complete) == (5000, None, False)
    part.begin(MARK)
    part.append(PNG)
    assert part.read(0, len(PNG)) == PNG
    part.discard()
    assert names(tmp_path) == []


def test_a_note_without_its_part(tmp_path: Path) -> None:
    """A note without any byte is ignored."""
    part = claim(tmp_path)
    part.begin(MARK)
    part.close()
    again = claim(tmp_path)
    assert again.mark is None
    again.close()


def test_started_again(tmp_path: Path) -> None:
    """The old content is gone."""
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(b"old")
    part.forget()
    assert (part.size, part.mark, (tmp_path / "x.part").read_bytes()) == (0, None, b"")
    part.close()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second claim fails until the first part is closed."""
    part = claim(tmp_path)
    assert Part.claim(tmp_path / "x.part") is None
    part.close()
    claim(tmp_path).close()


def test_a_part_that_was_renamed_while_it_was_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that has been renamed is never written to."""

    def late_lock(_file: object) -> bool:
        (tmp_path / "x.part").rename(tmp_path / "x.png")
        return True

    monkeypatch.setattr("legnext_stream._results.part.try_lock", late_lock)
    assert Part.claim(tmp_path / "x.part") is None


def test_a_failure_while_claiming_leaks_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is closed again (a descriptor left open warns, and warnings are errors)."""

    def broken(_file: object) -> bool:
        raise OSError("no locks here")

    monkeypatch.setattr("legnext_stream._results.part.try_lock", broken)
    with pytest.raises(OSError, match="no locks here"):
        Part.claim(tmp_path / "x.part")


def test_the_same_file_is_kept(tmp_path: Path) -> None:
    """An existing file with the same bytes is kept, and the part is removed."""
    (tmp_path / "x.png").write_bytes(PNG)
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(PNG)
    assert part.finish(tmp_path / "x.png") is True
    assert names(tmp_path) == ["x.png"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Another file with the name isn't changed, nor is the part."""
    (tmp_path / "x.png").write_bytes(b"mine")
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(PNG)
    with pytest.raises(OtherFileError, match=r"x\.png"):
        part.finish(tmp_path / "x.png")
    part.close()
    assert (tmp_path / "x.png").read_bytes() == b"mine"
    assert (tmp_path / "x.part").read_bytes() == PNG


def test_two_finish_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that claims a complete part just before it is renamed gets the same result."""
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(PNG)
    close = part.close

    def close_and_lose() -> None:
        close()
        other = claim(tmp_path)
        assert other.is_complete
        monkeypatch.setattr(part, "close", close)
        other.finish(tmp_path / "x.png")

    monkeypatch.setattr(part, "close", close_and_lose)
    assert part.finish(tmp_path / "x.png") is False
    assert names(tmp_path) == ["x.png"]
    assert (tmp_path / "x.png").read_bytes() == PNG


def test_a_complete_file_is_found(tmp_path: Path) -> None:
    """A complete result is found by its stem, with any suffix."""
    assert find_whole(tmp_path, "x") is None
    (tmp_path / "x.mp4").write_bytes(content_of("a", "0.mp4").body)
    found = find_whole(tmp_path, "x")
    assert found is not None
    path, size, kind = found
    assert (path.name, size, kind.media_type) == ("x.mp4", path.stat().st_size, "video/mp4")


def test_something_else_with_the_name(tmp_path: Path) -> None:
    """A folder, or a file of another type, is an error."""
    (tmp_path / "x.png").write_bytes(b"a text")
    with pytest.raises(OtherFileError, match="not image/png"):
        find_whole(tmp_path, "x")
    (tmp_path / "y.png").mkdir()
    with pytest.raises(OtherFileError, match="a folder"):
        find_whole(tmp_path, "y")
