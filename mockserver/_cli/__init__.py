"""The command `legnext-mock`: the mock server as a process."""

from mockserver._cli.app import app, main

__all__ = ["app", "main"]
