"""HTTP to a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.onvif.talk import Talk

if TYPE_CHECKING:
    from simulators.onvif.message import Reply, Request


class HttpTalk(Talk):
    """A keep-alive connection: SOAP and snapshots."""

    def do(self, request: Request) -> None:
        keep = request.headers.get("connection", "").lower() != "close"
        reply = self.camera.answer(request, beyond=self.beyond)
        if reply.hold:
            reply.hold.wake = lambda: self._finish(reply, keep)
            self.after(reply.after_s, self._finish, reply, keep)
        elif reply.after_s:
            self.after(reply.after_s, self._write, reply, keep)
        else:
            self._write(reply, keep)

    def _finish(self, reply: Reply, keep: bool) -> None:
        """An open question is answered, by news or by its timeout."""
        if reply.hold:
            reply.hold.wake = None
        self.stop_timer()
        if reply.make and self.open:
            self._write(reply.make(), keep)

    def _write(self, reply: Reply, keep: bool) -> None:
        self.give(reply.head(keep=keep), reply, keep=keep)
