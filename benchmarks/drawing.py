"""The style of all plots: small, with the colours of Okabe and Ito for colour-blind readers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ORANGE: Final = "#e69f00"
SKY: Final = "#56b4e9"
GREEN: Final = "#009e73"
BLUE: Final = "#0072b2"
RED: Final = "#d55e00"
PURPLE: Final = "#cc79a7"
BLACK: Final = "#000000"


def prepare() -> None:
    """Make the output reproducible: no dates, no random ids."""
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "font.size": 9})


def plain(axes: Axes) -> None:
    """A faint grid, and no box."""
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG."""
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    # Matplotlib ends lines of paths with spaces, which pre-commit hooks remove.
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
