"""Whether a server's certificate is trusted. Argument: a PEM file with key and certificate of a server, localhost."""

import json
import os
import socket
import ssl
import sys
import threading

before = dict(os.environ)
server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain(sys.argv[1])
listener = socket.create_server(("localhost", 0))


def serve() -> None:
    """Answer one client."""
    connection, _ = listener.accept()
    try:
        with server_context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(b"HTTP/1.0 200 OK\r\n\r\ntea")
    except ssl.SSLError:  # the client said no
        pass


threading.Thread(target=serve, daemon=True).start()
context = ssl.create_default_context()
answer = {"authorities": context.cert_store_stats()["x509_ca"]}
try:
    plain = socket.create_connection(listener.getsockname()[:2])
    with context.wrap_socket(plain, server_hostname="localhost") as secure:
        answer["trusted"] = secure.recv(100).endswith(b"tea")
except ssl.SSLCertVerificationError:
    answer["trusted"] = False
answer["environment_changed"] = dict(os.environ) != before
print(json.dumps(answer))
