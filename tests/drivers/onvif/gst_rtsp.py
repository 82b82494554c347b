"""GStreamer's RTSP server, run by Debian's own Python. Prints its port; ends with its standard input.

usage: gst_rtsp.py open|basic|digest USER PASSWORD
"""
# ruff: noqa: E402 - gi wants versions before imports
# mypy: ignore-errors

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

RAW = "video/x-raw,format=I420,framerate=5/1"
PIPELINES = {
    "/h264": f"videotestsrc is-live=true ! {RAW},width=640,height=360 "
    "! x264enc tune=zerolatency key-int-max=5 ! rtph264pay name=pay0 config-interval=-1",
    # A key frame of many packets; its parameters stand in the description alone
    "/large": f"videotestsrc is-live=true pattern=snow ! {RAW},width=2560,height=1440 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=5 "
    "! rtph264pay name=pay0 config-interval=0 mtu=1200",
    "/jpeg": f"videotestsrc is-live=true ! {RAW},width=320,height=240 ! jpegenc ! rtpjpegpay name=pay0",
}


def main(method: str, user: str, password: str) -> None:
    Gst.init(None)
    missing = [name for name in ("x264enc", "rtph264pay", "jpegenc") if not Gst.ElementFactory.find(name)]
    if missing:
        sys.exit(f"GStreamer has no {', '.join(missing)}")
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for path, pipeline in PIPELINES.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {pipeline} )")
        factory.set_shared(False)
        if method != "open":
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("user", "media.factory.access", True)
            permissions.add_permission_for_role("user", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)
    if method != "open":
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        if method == "basic":
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        else:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(user, password, token)
        server.set_auth(auth)
    server.attach(None)
    loop = GLib.MainLoop()
    print(server.get_bound_port(), flush=True)  # noqa: T201 - to the test
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


main(*sys.argv[1:])
