"""`python -m legnext_stream`, the same as the command `legnext-stream`."""

from legnext_stream._cli import main

main()
