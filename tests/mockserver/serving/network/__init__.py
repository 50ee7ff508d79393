"""Tests of HTTP over streams in memory."""
