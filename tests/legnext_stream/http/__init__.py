"""Tests of `legnext_stream._http`: real HTTP over in-memory networks."""
