"""Real HTTP/1.1 bytes between a client and an ASGI application, over streams in memory."""

from mockserver._serving.network.backend import MemoryBackend
from mockserver._serving.network.server import serve_connection
from mockserver._serving.network.transport import MemoryTransport

__all__ = ["MemoryBackend", "MemoryTransport", "serve_connection"]
