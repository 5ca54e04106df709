"""TLS to a local server whose certificate a private CA signed: it works as it should, and fails as it should.

Argument: a folder with `ca.pem`, and `server.pem` and `expired.pem`, certificates with keys for the name localhost.
"""

from __future__ import annotations

import http.server
import os
import pathlib
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from builder.inside.proof.report import differs, end


class Tea(http.server.BaseHTTPRequestHandler):
    """Answers every question with the protocol it was asked in."""

    def do_GET(self) -> None:  # the library's name
        """Answer."""
        assert isinstance(self.connection, ssl.SSLSocket)
        answer = str(self.connection.version()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """A server whose clients are expected to hang up."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: pathlib.Path) -> Iterator[int]:
    """A server with this certificate; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(("127.0.0.1", 0), Tea) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(url: str, ca: pathlib.Path | str) -> str:
    """What a client that trusts `ca` gets: the answer, or the reason why it refused."""
    os.environ["SSL_CERT_FILE"] = str(ca)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as answer:
            return str(answer.read().decode())
    except OSError as problem:
        reason = getattr(problem, "reason", problem)
        return str(getattr(reason, "verify_message", reason))


def differences(folder: pathlib.Path) -> Iterator[str]:
    """Where a connection does not end as it should."""
    ca = folder / "ca.pem"
    with serving(folder / "server.pem") as port:
        yield from differs("TLS with the private CA in SSL_CERT_FILE", "TLSv1.3", ask(f"https://localhost:{port}", ca))
        unknown = ask(f"https://localhost:{port}", os.devnull)
        yield from differs("TLS with a CA nobody knows", "unable to get local issuer certificate", unknown)
        refused = ask(f"https://127.0.0.1:{port}", ca)
        expected = "IP address mismatch, certificate is not valid for '127.0.0.1'."
        yield from differs("TLS with a certificate for another name", expected, refused)
    with serving(folder / "expired.pem") as port:
        seen = ask(f"https://localhost:{port}", ca)
        yield from differs("TLS with an expired certificate", "certificate has expired", seen)


end(differences(pathlib.Path(sys.argv[1])))
