"""Tests of the whole: the commands as processes, joined by sockets."""
