"""Run by a built Python: starts uvicorn with a FastAPI application and asks it over HTTP. Prints the answer."""

import ctypes  # noqa: F401  # each must import
import json
import os
import sqlite3  # noqa: F401
import ssl  # noqa: F401
import subprocess
import sys
import tempfile
import time
import urllib.request

import fastapi  # noqa: F401
import pydantic  # noqa: F401
import uvicorn  # noqa: F401
import yaml  # noqa: F401

APPLICATION = """
import fastapi
app = fastapi.FastAPI()
@app.get("/tea/{cups}")
def tea(cups: int):
    return {"cups": cups}
"""

with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "application.py"), "w") as file:
        file.write(APPLICATION)
    command = [os.path.join(sys.prefix, "bin", "uvicorn"), "application:app", "--port", "8765"]
    server = subprocess.Popen(command, cwd=folder)
    try:
        for _ in range(100):
            try:
                with urllib.request.urlopen("http://127.0.0.1:8765/tea/3") as answer:
                    print(json.load(answer))
                    break
            except OSError:
                time.sleep(0.1)
    finally:
        server.terminate()
        server.wait()
