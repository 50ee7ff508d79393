"""What is wrong with plain data, and where."""

from __future__ import annotations

import attrs
import pytest

from mockserver._plain import PlainError, from_plain


def _no_luck(_instance: object, _attribute: object, value: int) -> None:
    if value == 13:
        raise ZeroDivisionError("a bug")


@attrs.frozen
class Login:
    """A setting with a secret."""

    keys: tuple[str, ...] = attrs.field(default=(), repr=False)
    tries: int = attrs.field(default=1, validator=[attrs.validators.ge(1), _no_luck])


def test_all_problems_are_reported() -> None:
    """One call reports all problems."""
    with pytest.raises(PlainError) as caught:
        from_plain(tuple[Login, ...], [{"tries": "x"}, {"keys": "x", "tries": []}])
    assert caught.value.problems == (
        "[0].tries must be an integer, not 'x'",
        "[1].keys must be a list",
        "[1].tries must be an integer, not a list",
    )


def test_secrets_are_not_shown() -> None:
    """The value of a field without a repr is in no error, nor is anything within it."""
    for wrong in ("sk-very-secret", ["fine", {"sk-very-secret": 1}], [17]):
        with pytest.raises(PlainError) as caught:
            from_plain(Login, {"keys": wrong})
        assert "keys" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert "17" not in str(caught.value)


def test_validators_of_attrs() -> None:
    """The errors of attrs' validators have their place."""
    with pytest.raises(PlainError, match=r"^\[0\]\.tries must be >= 1: 0$"):
        from_plain(tuple[Login, ...], [{"tries": 0}])


def test_bugs_are_no_problems_of_the_data() -> None:
    """Errors other than ValueError and TypeError are bugs, and aren't caught."""
    with pytest.raises(ZeroDivisionError, match="a bug"):
        from_plain(Login, {"tries": 13})
