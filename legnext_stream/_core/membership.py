"""Which jobs a watch follows, which have ended, and which left while a poll of them was in flight."""

from __future__ import annotations

from legnext_stream._core.ended import EndedIds
from legnext_stream._core.watched import Watched


class Membership:
    """The jobs of one watch."""

    def __init__(self) -> None:
        # The jobs that are being followed, in the order in which they came in.
        self.jobs: dict[str, Watched] = {}
        self.ended: EndedIds = EndedIds()
        # Jobs that left while a poll of them was in flight. There are several of one id if it was
        # added, polled and removed again before the first answer.
        self._left: dict[str, list[Watched]] = {}
        # Jobs whose callbacks may have come before them; None where no callbacks are expected.
        self._newcomers: list[str] | None = None

    def __contains__(self, job_id: str) -> bool:
        return job_id in self.jobs or job_id in self.ended

    def __len__(self) -> int:
        """How many jobs are followed or have ended."""
        return len(self.jobs) + len(self.ended)

    def join(self, job_id: str) -> Watched:
        """Follow a job that isn't in here."""
        job = self.jobs[job_id] = Watched(job_id)
        if self._newcomers is not None:
            self._newcomers.append(job_id)
        return job

    def end(self, job: Watched) -> None:
        """A job has ended."""
        del self.jobs[job.job_id]
        self.ended.add(job.job_id)

    def leave_in_flight(self, job: Watched) -> None:
        """A job is followed no longer, but a poll of it is in flight."""
        self._left.setdefault(job.job_id, []).append(job)

    def take_left(self, job_id: str) -> Watched | None:
        """The job whose poll has ended, if it left while the poll was in flight."""
        left = self._left.get(job_id)
        if left is None:
            return None
        job = left.pop(0)
        if not left:
            del self._left[job_id]
        return job

    def expect_callbacks(self) -> None:
        """Note the jobs that come in, for `newcomers`."""
        self._newcomers = []

    def newcomers(self) -> list[str]:
        """The jobs that have come in since the last call; none where no callbacks are expected."""
        if not self._newcomers:
            return []
        newcomers, self._newcomers = self._newcomers, []
        return newcomers
