"""Jobs, statuses, events, prompts and ids as frozen values, and how they are read from the wire."""
