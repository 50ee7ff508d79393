"""Results on disk: `Saver` saves the images and videos of a completed job in a folder.

`saver` handles all results of a job, `fetching` one of them, and `part` its file on disk; `folders`
checks a folder before there are any. Decisions are in `_core.results`; HTTP is in `_http.files`.
"""

from legnext_stream._results.folders import check_folder
from legnext_stream._results.saver import Saver

__all__ = ["Saver", "check_folder"]
