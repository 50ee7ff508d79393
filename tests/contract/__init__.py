"""The contract of the stream, through the whole stack, against the truth of generated worlds."""
