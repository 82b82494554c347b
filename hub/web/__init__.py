"""Pages, streams and the API. Everything is told by a `Core` (hub.views); nothing here looks deeper into the hub."""

from hub.web.app import create_app
from hub.web.outside import create_outside
from hub.web.outside_server import serving_outside
from hub.web.server import bind, serve, serving

__all__ = ["bind", "create_app", "create_outside", "serve", "serving", "serving_outside"]
