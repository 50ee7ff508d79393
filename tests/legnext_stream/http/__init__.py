"""Tests of the wire: real HTTP, over networks in memory."""
