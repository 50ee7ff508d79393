"""Checking a folder before there are results for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest import mock

import pytest

from legnext_stream import ConfigurationError
from legnext_stream._results import check_folder


@pytest.mark.parametrize("name", [".", "new", "several/new/ones"])
def test_a_check_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    """A folder that is there, or can be made, passes; afterwards all is as before."""
    check_folder(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("file", "file is not a folder"),
        ("file/out", "file is not a folder"),
        ("broken", "broken is not a folder"),
        ("new/" + 300 * "x", "File name too long"),
        ("a\0b", "null"),
    ],
)
def test_a_folder_that_cannot_be(tmp_path: Path, name: str, message: str) -> None:
    """The message has the reason, and nothing is left behind."""
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to("nothing")
    with pytest.raises(ConfigurationError, match="can't save results in ") as caught:
        check_folder(tmp_path / name)
    assert message in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
def test_what_permissions_do_not_tell() -> None:
    """The check tries to write, so it finds out whatever forbids it."""
    with pytest.raises(ConfigurationError, match="can't save results in /proc/out: "):
        check_folder(Path("/proc/out"))


def test_a_full_disk(tmp_path: Path) -> None:
    """An empty file can be made on it, but nothing can be written."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    file = mock.MagicMock()
    file.return_value.__enter__.return_value.flush.side_effect = full
    with (
        mock.patch("legnext_stream._results.folders.TemporaryFile", file),
        pytest.raises(ConfigurationError, match="No space left on device"),
    ):
        check_folder(tmp_path)
