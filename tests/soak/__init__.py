"""A watch that goes on for a week: its memory, its tasks, its connections."""
