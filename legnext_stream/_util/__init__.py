"""Small helpers around Trio, independent of jobs."""
