"""Settings as plain data, and back: what JSON and TOML can say about a mock.

    >>> from_plain(Limit, {"kind": "token-bucket", "rate": 10, "burst": 20})
    TokenBucket(rate=10.0, burst=20)

Settings are attrs classes. Each is a table of its fields by name; omitted fields have their
defaults. If a setting may be one of several classes (a limit, a distribution, a fault), its `kind`
says which: the class's name in kebab case. Common settings have short forms: a number for a `Fixed`
duration, a status or `[status, seconds]` for a `Step`, a list of steps for a `Script`.

Nothing is guessed: a number in quotes isn't a number, and an unknown name is an error.
"""

from mockserver._plain.problems import PlainError
from mockserver._plain.reading import from_plain
from mockserver._plain.writing import to_plain
from mockserver._world.kinds import kind_of

__all__ = ["PlainError", "from_plain", "kind_of", "to_plain"]
