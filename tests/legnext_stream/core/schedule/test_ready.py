"""Which of the ready jobs is chosen, and that each can be removed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.ready import Ready
from legnext_stream._core.watched import BY_QUEUE, Watched


def worth(job: Watched) -> float:
    """As much as the number in its id."""
    return float(job.job_id)


def filled(count: int) -> tuple[Ready, list[Watched]]:
    """This many ready jobs, each worth more than the one before."""
    ready, jobs = Ready(), [Watched(str(number)) for number in range(count)]
    for job in jobs:
        ready.add(job)
    return ready, jobs


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=100))
def test_each_knows_its_index(script: list[int | None]) -> None:
    """Whatever is added, removed or taken, each is in there once and knows its index."""
    ready, inside = filled(10)
    for act in script:
        if act is None:
            job = Watched(str(len(inside)))
            ready.add(job)
            inside.append(job)
        elif act % 2 and inside:
            job, _ = ready.take_best(worth)
            inside.remove(job)
            assert job.where == BY_QUEUE
        elif inside:
            job = inside.pop(act % len(inside))
            ready.remove(job)
            assert job.where == BY_QUEUE
        assert len(ready) == len(inside)
        assert all(ready._jobs[job.where] is job for job in inside)


def test_of_few_the_best_is_taken() -> None:
    """Up to eight are all compared; the last one is taken without a comparison."""
    ready, jobs = filled(8)
    for number in range(7, 0, -1):
        assert ready.take_best(worth) == (jobs[number], float(number))
    assert ready.take_best(worth) == (jobs[0], 0.0)
    assert len(ready) == 0


def test_of_many_one_of_the_best_is_taken() -> None:
    """The best of eight out of a thousand is nearly always among the best third."""
    ready, _ = filled(1000)
    taken = [ready.take_best(worth)[1] for _ in range(100)]
    assert sum(each > 600 for each in taken) > 90
    again, _ = filled(1000)
    assert [again.take_best(worth)[1] for _ in range(100)] == taken
