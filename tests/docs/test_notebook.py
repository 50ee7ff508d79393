"""The notebook of the documentation runs, from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

_NOTEBOOK = Path(__file__).parents[2] / "docs" / "how-to" / "notebook.ipynb"


def _notebook() -> Any:  # noqa: ANN401 - nbformat's nodes have whatever the file has
    read: Any = nbformat.read  # which says nothing of its types
    return read(_NOTEBOOK, as_version=4)


def test_it_is_kept_without_outputs() -> None:
    """What a run prints is no part of the source."""
    notebook = _notebook()
    assert not any(cell.outputs for cell in notebook.cells if cell.cell_type == "code")


# The notebook's packages, not ours, leave sockets to the garbage collector, and warn of loops and paths.
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs() -> None:
    """Both ways of reading bring all jobs to their ends."""
    notebook = _notebook()
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    printed = {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert printed["async-for"].count("-> completed") == 3
    assert printed["for"].count("completed") == 2
