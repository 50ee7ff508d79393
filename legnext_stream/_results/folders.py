"""Whether results can be saved in a folder, found out before any of them costs money."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile

from legnext_stream.errors import ConfigurationError


def check_folder(folder: Path) -> None:
    """Check that files can be written to a folder, which may not exist yet. Leaves nothing behind.

    Raises:
        ConfigurationError: They can't; the message says why.
    """
    made: list[Path] = []
    try:
        # Only trying it tells: permissions are not all that can forbid it.
        for each in (*reversed(folder.parents), folder):
            if os.path.lexists(each):
                if not each.is_dir():
                    msg = f"can't save results in {folder}: {each} is not a folder"
                    raise ConfigurationError(msg)
            else:
                each.mkdir()
                made.append(each)
        with TemporaryFile(dir=folder) as file:
            file.write(b"one byte, for a disk that is full")
            file.flush()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"can't save results in {folder}: {reason}") from None
    finally:
        for each in reversed(made):
            each.rmdir()
