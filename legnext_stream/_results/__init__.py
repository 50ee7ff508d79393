"""Results on disk: `Saver` takes a completed job, and leaves its images and videos whole in a folder.

`saver` sees to all results of a job, `fetching` to one of them, `part` to what there is of it on
disk. What is decided on the way is in `core.results`, what goes over the wire in `http.files`.
"""

from legnext_stream._results.saver import Saver

__all__ = ["Saver"]
