"""Tests of the command `legnext-mock`."""
