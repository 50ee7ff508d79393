"""Tests of `aio` and `sync`, and of Trio in a thread, which both use."""
