"""Reads what `nox --list --json` says of the sessions that prove packages, and prints them as the matrix of a workflow.

Each entry has the session, a machine of its architecture to run it on, and the files it is about.
"""

import json
import sys

RUNNERS = {"amd64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
FILES = {
    ("tar", "runtime"): ["*.tgz", "*.manifest.json", "!*-dev_*"],
    ("tar", "runtime-dev"): ["*-dev_*.tgz", "*-dev_*.manifest.json"],
    ("deb", "runtime"): ["*.deb"],
    ("deb", "runtime-dev"): ["*-dev_*.deb"],
}

matrix = []
for listed in json.load(sys.stdin):
    tags = set(listed["tags"])
    (runner,) = (runner for arch, runner in RUNNERS.items() if arch in tags)
    (files,) = (files for kind, files in FILES.items() if tags.issuperset(kind))
    paths = [f"!out/{name[1:]}" if name.startswith("!") else f"out/{name}" for name in files]
    matrix.append({"session": listed["session"], "runner": runner, "files": "\n".join(paths)})
print(json.dumps(matrix))
