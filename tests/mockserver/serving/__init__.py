"""Tests of `mockserver._serving`."""
