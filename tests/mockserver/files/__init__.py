"""Tests of `mockserver._files`."""
