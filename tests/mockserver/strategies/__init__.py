"""Tests of the strategies: that they make what they say, and shrink to what is plain."""
