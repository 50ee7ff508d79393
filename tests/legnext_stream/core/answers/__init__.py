"""Tests of `legnext_stream._core.answers`."""
