"""HTTP/1.1 between a client and an ASGI application, in memory and over sockets."""

from mockserver._serving.network.backend import MemoryBackend
from mockserver._serving.network.server import serve_connection
from mockserver._serving.network.transport import MemoryTransport, require_trio

__all__ = ["MemoryBackend", "MemoryTransport", "require_trio", "serve_connection"]
