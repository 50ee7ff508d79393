"""How fast to ask: one pacer for an account, which learns the limits that nobody documents."""

from legnext_stream._core.pace.pacer import Pacer
from legnext_stream._core.pace.signals import Outcome, RequestKind, Signal, Why

__all__ = ["Outcome", "Pacer", "RequestKind", "Signal", "Why"]
