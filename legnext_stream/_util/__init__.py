"""Small helpers around Trio that know nothing of jobs."""
