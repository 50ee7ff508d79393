"""The judges: a function for each clause of the contract, which compares a case with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.simulation import judges_of_jobs, judges_of_watches
from tests.simulation.findings import Judge

CLAUSES: Final[Mapping[str, Judge]] = judges_of_jobs.CLAUSES | judges_of_watches.CLAUSES
"""All clauses by name."""
