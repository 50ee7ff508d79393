"""A batch on one page: what was seen of its jobs, and what the asking cost.

`Collector` gathers while the watch goes on, in bounded memory; `figures` makes numbers of it, `plots`
pictures of those, and `page` the one self-contained file. Only the last two need the extra `report`.
"""

from legnext_stream._report.collecting import Collected, Collector
from legnext_stream._report.figures import quantile
from legnext_stream._report.tables import Table, seconds_words
from legnext_stream._report.writing import ReportError, check_report, write_report

__all__ = [
    "Collected",
    "Collector",
    "ReportError",
    "Table",
    "check_report",
    "quantile",
    "seconds_words",
    "write_report",
]
