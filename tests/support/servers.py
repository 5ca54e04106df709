"""Real servers on loopback: nginx with our own configuration, and a careless one that keeps half a body."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.cache.credentials import Credentials

ROOT = Path(__file__).parents[2]
USER, PASSWORD = "builder", "correct horse"
WRITER = Credentials("CACHE_USER and CACHE_PASSWORD", user=USER, password=PASSWORD)
NO_EDITS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Server:
    """A running server: its address, the folder it serves, and what it logs."""

    url: str
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def data(self) -> Path:
        """What it serves."""
        return self.folder / "data"

    def requests(self, *methods: str) -> list[tuple[str, str, int]]:
        """Method, path and answer of each request so far, in the order they ended."""
        # A request is logged after it was answered.
        before, text = None, self.log.read_text()
        while text != before:
            time.sleep(0.2)
            before, text = text, self.log.read_text()
        found = re.findall(r'"([A-Z]+) (\S+) HTTP[^"]*" (\d+)', text)
        return [(method, path, int(code)) for method, path, code in found if not methods or method in methods]

    def stop(self) -> None:
        """Kill it, as an outage does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, edits: Mapping[str, str] = NO_EDITS, reads: str = "open") -> Iterator[Server]:
    """Debian's nginx with remote_cache/nginx.conf on a port of its own; `edits` replace texts of that file."""
    port = free_port()
    text = (ROOT / "remote_cache" / "nginx.conf").read_text().replace("listen 8080;", f"listen 127.0.0.1:{port};")
    for old, new in edits.items():
        text = text.replace(old, new)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(text)
    shutil.copy(ROOT / "remote_cache" / "reads" / f"{reads}.conf", folder / "reads.conf")
    hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True)
    (folder / "users").write_text(f"{USER}:{hashed.stdout}")
    # The workers of a server that root starts would be another user, who can't write into a test's folder.
    args = ["nginx", "-p", str(folder), "-c", "nginx.conf", "-g", "user root;"]
    with _running(args, port, folder) as server:
        yield server


@contextmanager
def wsgidav(folder: Path) -> Iterator[Server]:
    """A server that keeps whatever came before a connection broke off."""
    port = free_port()
    (folder / "data").mkdir(parents=True)
    args = [
        sys.executable, "-m", "wsgidav.server.server_cli", "--host=127.0.0.1", f"--port={port}",
        f"--root={folder / 'data'}", "--auth=anonymous", "--server=cheroot",
    ]  # fmt: skip
    with _running(args, port, folder) as server:
        yield server


@contextmanager
def _running(args: list[str], port: int, folder: Path) -> Iterator[Server]:
    log = folder / "log"
    # A process group of its own, so that nginx's workers end with it.
    with (
        log.open("wb") as output,
        subprocess.Popen(args, stdout=output, stderr=subprocess.STDOUT, start_new_session=True) as process,
    ):
        server = Server(f"http://127.0.0.1:{port}", folder, log, process)
        try:
            _wait(port, server)
            yield server
        finally:
            if process.poll() is None:
                server.stop()


def _wait(port: int, server: Server) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise AssertionError(f"{server.process.args!r} does not answer: {server.log.read_text()}")
