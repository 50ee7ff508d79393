"""Who is chosen among the overdue, and that each of them can leave."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.ready import Overdue
from legnext_stream._core.watched import BY_LINE, Watched


def worth(job: Watched) -> float:
    """As much as its number says."""
    return float(job.job_id)


def filled(count: int) -> tuple[Overdue, list[Watched]]:
    """So many overdue jobs, of which each is worth more than the one before."""
    overdue, jobs = Overdue(), [Watched(str(number)) for number in range(count)]
    for job in jobs:
        overdue.add(job)
    return overdue, jobs


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=100))
def test_each_knows_its_place(script: list[int | None]) -> None:
    """Whoever comes, leaves or is taken: all are there once, and find themselves by their seat."""
    overdue, inside = filled(10)
    for act in script:
        if act is None:
            job = Watched(str(len(inside)))
            overdue.add(job)
            inside.append(job)
        elif act % 2 and inside:
            job, _ = overdue.take_dearest(worth)
            inside.remove(job)
            assert job.seat == BY_LINE
        elif inside:
            job = inside.pop(act % len(inside))
            overdue.remove(job)
            assert job.seat == BY_LINE
        assert len(overdue) == len(inside)
        assert all(overdue._jobs[job.seat] is job for job in inside)


def test_of_few_the_dearest_is_taken() -> None:
    """Up to eight are all compared; the last one is taken without a comparison."""
    overdue, jobs = filled(8)
    for number in range(7, 0, -1):
        assert overdue.take_dearest(worth) == (jobs[number], float(number))
    assert overdue.take_dearest(worth) == (jobs[0], 0.0)
    assert len(overdue) == 0


def test_of_many_one_of_the_dearest_is_taken() -> None:
    """The best of eight out of a thousand is among the best third nearly always, and so in each run."""
    overdue, _ = filled(1000)
    taken = [overdue.take_dearest(worth)[1] for _ in range(100)]
    assert sum(each > 600 for each in taken) > 90
    again, _ = filled(1000)
    assert [again.take_dearest(worth)[1] for _ in range(100)] == taken
