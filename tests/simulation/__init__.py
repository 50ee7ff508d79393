"""Campaigns: whole runs under every kind of trouble, judged against the truth."""
