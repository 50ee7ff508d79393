"""The notebook of the documentation runs from the first cell to the last, in its own kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.patience import PATIENCE

_NOTEBOOK = Path(__file__).parents[2] / "docs" / "how-to" / "notebook.ipynb"


def _notebook() -> Any:  # noqa: ANN401 - nbformat's nodes are untyped
    read: Any = nbformat.read  # untyped in nbformat
    return read(_NOTEBOOK, as_version=4)


def test_it_is_kept_without_outputs() -> None:
    """The notebook is stored without outputs."""
    notebook = _notebook()
    assert not any(cell.outputs for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.documented
# Jupyter's packages leave sockets to the garbage collector, and warn about event loops and paths.
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs() -> None:
    """All jobs end, with `await` and without."""
    notebook = _notebook()
    NotebookClient(notebook, timeout=int(PATIENCE), kernel_name="python3").execute()
    printed = {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert printed["async-for"].count("-> completed") == 3
    assert printed["for"].count("completed") == 2
