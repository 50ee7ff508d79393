"""What there is of a result on disk: parts, wholes, and never anything between the two."""

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
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_from_the_first_byte_to_the_name(tmp_path: Path) -> None:
    """It has its name only at the end, and then nothing else is left."""
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


def test_a_later_process_goes_on(tmp_path: Path) -> None:
    """What is there, and what it is a part of, is found again."""
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
def test_a_part_of_what_is_not_known(tmp_path: Path, noted: bytes | None) -> None:
    """Without its note, or with one that can't be read, a part can't be gone on with."""
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
    """A kill between the note and the first byte leaves nothing to go on with."""
    part = claim(tmp_path)
    part.begin(MARK)
    part.close()
    again = claim(tmp_path)
    assert again.mark is None
    again.close()


def test_begun_anew(tmp_path: Path) -> None:
    """What was there is gone."""
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(b"old")
    part.forget()
    assert (part.size, part.mark, (tmp_path / "x.part").read_bytes()) == (0, None, b"")
    part.close()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """Who comes second gets nothing until the first lets go."""
    part = claim(tmp_path)
    assert Part.claim(tmp_path / "x.part") is None
    part.close()
    claim(tmp_path).close()


def test_a_part_that_got_its_name_while_it_was_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open file that isn't a part any more is never written to."""

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
    """What is there with the same bytes is as good, and nothing of the part is left."""
    (tmp_path / "x.png").write_bytes(PNG)
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(PNG)
    assert part.finish(tmp_path / "x.png") is True
    assert names(tmp_path) == ["x.png"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Another file of the name stays as it is; so does the part."""
    (tmp_path / "x.png").write_bytes(b"mine")
    part = claim(tmp_path)
    part.begin(MARK)
    part.append(PNG)
    with pytest.raises(OtherFileError, match=r"x\.png"):
        part.finish(tmp_path / "x.png")
    part.close()
    assert (tmp_path / "x.png").read_bytes() == b"mine"
    assert (tmp_path / "x.part").read_bytes() == PNG


def test_two_who_finish_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who claims a complete part in the moment before it is named makes the same of it."""
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


def test_what_is_there_already(tmp_path: Path) -> None:
    """A whole result is found by its name, whatever its kind."""
    assert find_whole(tmp_path, "x") is None
    (tmp_path / "x.mp4").write_bytes(content_of("a", "0.mp4").body)
    found = find_whole(tmp_path, "x")
    assert found is not None
    path, size, kind = found
    assert (path.name, size, kind.media_type) == ("x.mp4", path.stat().st_size, "video/mp4")


def test_what_is_there_and_is_no_result(tmp_path: Path) -> None:
    """A folder, or a file of another kind, is neither kept nor overwritten."""
    (tmp_path / "x.png").write_bytes(b"a text")
    with pytest.raises(OtherFileError, match="not image/png"):
        find_whole(tmp_path, "x")
    (tmp_path / "y.png").mkdir()
    with pytest.raises(OtherFileError, match="a folder"):
        find_whole(tmp_path, "y")
