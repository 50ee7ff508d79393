"""A bounded table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.recent import Recent


@given(st.lists(st.text("abcdef", min_size=1, max_size=1)), st.integers(1, 4))
def test_the_latest_names_are_kept(names: list[str], most: int) -> None:
    """The most recently used names are kept, and never more than the limit."""
    recent: Recent[int] = Recent(int, most)
    model: dict[str, int] = {}
    for name in names:
        count = model.pop(name, 0)
        model[name] = count + 1
        if len(model) > most:
            del model[next(iter(model))]
        assert recent[name] == count
        recent[name] = count + 1
        assert len(recent) == len(model) <= most
    assert {name: recent[name] for name in list(model)} == model


def test_a_copy_is_another() -> None:
    """A copy is independent, and so are its values."""
    one: Recent[list[int]] = Recent(list)
    one["a"].append(1)
    other = one.copy(list.copy)
    one["a"].append(2)
    one["b"].append(3)
    assert (other["a"], len(other)) == ([1], 1)


def test_names_are_forgotten_by_their_beginning() -> None:
    """All names with the beginning are dropped, and no others."""
    recent: Recent[int] = Recent(int)
    for name in ("a", "ab", "b"):
        recent[name] = 1
    recent.forget("a")
    assert [len(recent), recent["b"], recent["a"]] == [1, 1, 0]
