"""Real time series databases: Debian's influxdb 1.6 behind a proxy with version 2's address, and VictoriaMetrics.

InfluxDB 2 itself is in no distribution; what the client's WriteApi says to it, `/api/v2/write?org=&bucket=`, is what
InfluxDB 1 takes on `/write?db=`. The proxy maps one to the other, counts, and can be away, slow or unwilling.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.brokers import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "village-hub"

_CONF = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[continuous_queries]
  enabled = false
"""


def _start(command: list[str], port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as f:
        process = subprocess.Popen(command, stdout=f, stderr=f)  # noqa: S603 - our own command line
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise AssertionError(f"{command[0]} does not listen")


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """One request to a server on this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(
            method, path, body, {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class InfluxDB1:
    """influxd in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self._folder = free_port(), folder
        binary = shutil.which("influxd")
        assert binary is not None, "the tests need influxd (Debian: influxdb)"
        conf = folder / "influxdb.conf"
        conf.write_text(_CONF.format(folder=folder, port=self.port, rpc=free_port()))
        self._process = _start([binary, "-config", str(conf)], self.port, folder / "log")
        self.query(f'CREATE DATABASE "{BUCKET}"')

    def query(self, text: str) -> list[list[Any]]:
        """Rows of the first series."""
        body = urlencode({"db": BUCKET, "epoch": "ms", "q": text}).encode()
        status, said = ask(self.port, "POST", "/query", body)
        result = json.loads(said)["results"][0]
        assert status == 200, said
        assert "error" not in result, said
        rows: list[list[Any]] = result["series"][0]["values"] if "series" in result else []
        return rows

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)


class VictoriaMetrics:
    """victoria-metrics in a folder; takes any database name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        binary = shutil.which("victoria-metrics")
        assert binary is not None, "the tests need victoria-metrics"
        command = [
            binary, f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
        ]  # fmt: skip
        self._process = _start(command, self.port, folder / "log")

    def export(self, match: str) -> list[dict[str, Any]]:
        """Every series that matches, with its values and timestamps."""
        ask(self.port, "GET", "/internal/force_flush")
        status, said = ask(self.port, "GET", "/api/v1/export?" + urlencode({"match[]": match}))
        assert status == 200, said
        return [json.loads(x) for x in said.splitlines()]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)


class Proxy:
    """Stands before a server: `/api/v2/write?bucket=B` becomes `/write?db=B`. `mood` is what the next requests meet.

    `mood`: "" passes on; a number answers that status; "hangs" answers never; `token` must be right where it is set.
    """

    def __init__(self, port: int) -> None:
        self.mood: str | int = ""
        self.token = ""
        self.writes: list[bytes] = []
        self.met = threading.Event()
        """Set when a request met a mood."""
        self.stopping = threading.Event()
        proxy, behind = self, port

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, said = proxy.answer(behind, self.path, body, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def answer(self, behind: int, path: str, body: bytes, login: str) -> tuple[int, bytes]:
        """What the client gets."""
        if self.mood == "hangs":
            self.met.set()
            self.stopping.wait(PATIENCE_S)
            return 503, b"{}"
        if self.mood:
            self.met.set()
            return int(self.mood), b'{"code":"x","message":"not today"}'
        if self.token and login != f"Token {self.token}":
            self.met.set()
            return 401, b'{"code":"unauthorized","message":"unauthorized access"}'
        at = urlsplit(path)
        if at.path == "/query":
            return ask(behind, "POST", "/query", body)
        asked = {k: v[0] for k, v in parse_qs(at.query).items()}
        assert at.path == "/api/v2/write", path
        self.writes.append(body)
        to = urlencode({"db": asked["bucket"], "precision": asked["precision"]})
        return ask(behind, "POST", f"/write?{to}", body)

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A proxy before the server on `port`."""
    made = Proxy(port)
    try:
        yield made
    finally:
        made.stop()
