"""What `legnext_stream.sync` and `legnext_stream.aio` share: Trio, hosted for those who are not on it.

host    Trio in a thread of its own, and how to have it do something
reader  an iterator on the Trio side, read from outside without losing anything
feed    job ids that come from outside, taken in on the Trio side
"""
