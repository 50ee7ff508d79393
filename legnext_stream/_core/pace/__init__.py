"""How fast to ask: the pacer of an account, which learns its undocumented limits."""

from legnext_stream._core.pace.pacer import Pacer
from legnext_stream._core.pace.signals import Outcome, RequestKind, Signal, Why

__all__ = ["Outcome", "Pacer", "RequestKind", "Signal", "Why"]
