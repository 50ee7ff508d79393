"""What `legnext_stream.aio` and `legnext_stream.sync` share: Trio, run in a thread of its own.

trio_thread   the Trio run in a thread of its own, and how another thread has it do something
reader        an iterator on the Trio side, read from another thread without losing an item
feed          what the caller iterates over, taken in on the Trio side
stream        the methods of an event stream that don't wait
sources_aio   iterables and async iterables, run in the event loop
sources_sync  iterables, each run in a thread of its own
waiting_aio   waiting for the Trio side in an event loop
waiting_sync  waiting for the Trio side in a thread

`legnext_stream.sync` is generated from `legnext_stream.aio`; all that differs in more than words is
in the modules here that end in `_aio` and `_sync`.
"""
