"""`python -m legnext_stream`, the same as the command `legnext-stream`."""

from legnext_stream.cli import main

main()
