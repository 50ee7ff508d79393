"""A report: one page about a batch, with what was seen of its jobs and what the polling cost.

`Collector` gathers during the watch, in bounded memory. At the end, `figures` computes the numbers,
`tables` and `plots` show them, and `page` puts everything into one self-contained HTML file. Only
the last two need the extra `report`.
"""

from legnext_stream._report.collecting import Collected, Collector, Failure, failure_of
from legnext_stream._report.figures import quantile
from legnext_stream._report.tables import Table, seconds_words
from legnext_stream._report.writing import ReportError, check_report, write_report

__all__ = [
    "Collected",
    "Collector",
    "Failure",
    "ReportError",
    "Table",
    "check_report",
    "failure_of",
    "quantile",
    "seconds_words",
    "write_report",
]
