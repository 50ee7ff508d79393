"""The operations of the admin routes."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import MockLegnext, RequestRecord
from mockserver._plain import PlainError
from mockserver._serving.control.operations import (
    MOST_JOBS,
    MOST_SNAPSHOTS,
    OPERATIONS,
    Admin,
    UnknownError,
)
from mockserver._world.limits import Admitted, Limit


class Odd(Limit):
    """A limit of a class that a program defines."""

    def verdict(self, _t: float, /) -> Admitted:
        """Admit everything."""
        return Admitted()

    def fresh(self) -> Odd:
        """The same."""
        return self

    def __repr__(self) -> str:
        return "<an odd limit>"


def run(admin: Admin, method: str, path: str, body: object = None, /, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Carry out the operation of a route without parameters in its path."""
    (operation,) = [op for op in OPERATIONS if (op.method, op.path) == (method, path)]
    return operation.run(admin, {}, query, {} if body is None else body)


def test_no_operation_stands_twice() -> None:
    """Method and path of each operation are unique, and each has a docstring."""
    assert len({(op.method, op.path) for op in OPERATIONS}) == len(OPERATIONS)
    assert all(op.act.__doc__ for op in OPERATIONS)


def test_limits_of_a_programs_own_are_shown_by_their_repr() -> None:
    """A limit that can't be plain data is shown by its repr."""
    mock = MockLegnext(limit=Odd())
    (limit,) = run(Admin(mock), "GET", "/state")["limits"]
    assert "<an odd limit>" in limit


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"count": 0}, "count must be from 1 to 100000, not 0"),
        ({"count": MOST_JOBS + 1}, "count must be from 1 to 100000, not 100001"),
        ({"count": 2, "job_id": "mine"}, "job_id can't be given to more than one job"),
        ({"task_type": "dance"}, "dance"),
        ({"script": ["completed", "pending"]}, "script: nothing can follow"),
    ],
)
def test_jobs_that_cannot_be_added(data: object, problem: str) -> None:
    """Wrong arguments are refused, and then no job is added."""
    mock = MockLegnext()
    with pytest.raises(ValueError, match=problem):
        run(Admin(mock), "POST", "/jobs", data)
    assert len(mock.world) == 0


def test_snapshots_are_bounded() -> None:
    """The number of snapshots is bounded, and deleting one makes room."""
    admin = Admin(MockLegnext())
    for number in range(MOST_SNAPSHOTS):
        assert admin.take_snapshot() == {"id": str(number + 1), "at": 0.0}
    with pytest.raises(ValueError, match="16 snapshots already"):
        admin.take_snapshot()
    admin.delete_snapshot("3")
    assert admin.take_snapshot() == {"id": "17", "at": 0.0}
    with pytest.raises(UnknownError, match="no snapshot '3'"):
        admin.restore("3")


def test_the_truth_has_no_future() -> None:
    """The truth of the future isn't decided by asking for it."""
    mock = MockLegnext()
    mock.add_job()
    assert run(Admin(mock), "GET", "/truth", until="1e9") == dict(mock.truth)
    assert mock.world.now == 0


def test_queries() -> None:
    """Parameters of a query are converted by type; unknown ones are errors."""
    mock = MockLegnext()
    admin = Admin(mock)
    for n in range(5):
        path = f"/api/v1/job/{n}"
        mock.requests.add(
            RequestRecord(n, n, "GET", path, str(n), 200, route="GET /api/v1/job/{job_id}")
        )

    def found(**query: str) -> list[str | None]:
        return [record.job_id for record in run(admin, "GET", "/requests", **query)]

    assert found() == ["0", "1", "2", "3", "4"]
    assert found(last="2") == ["3", "4"]
    assert found(last="9") == ["0", "1", "2", "3", "4"]
    assert found(last="0") == found(last="-1") == []
    assert found(after="1", until="4", last="2") == ["2", "3"]
    assert found(after="1", last="0") == found(after="1", last="-1") == []
    assert found(status_code="404") == []
    assert found(job_id="3", route="job", method="GET", path="/api/v1/job/3") == ["3"]
    for query, problem in (
        ({"lasst": "2"}, "lasst is no parameter; there are: method, route,"),
        ({"last": "few"}, "Expected `int | null`, got `str` - at `last`"),
        ({"route": "jb"}, "route must be"),
    ):
        with pytest.raises(ValueError, match=problem):
            found(**query)
    with pytest.raises(PlainError):
        run(admin, "GET", "/jobs", last="x")
