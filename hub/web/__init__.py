"""Pages, streams and the API. Everything is told by a `Core` (hub.views); nothing here looks deeper into the hub."""

from hub.web.app import create_app
from hub.web.server import bind, serve, serving

__all__ = ["bind", "create_app", "serve", "serving"]
