"""Reads what `nox --list --json` says of the sessions that prove packages, and prints them as the matrix of a workflow.

Each entry has the session, a machine of its architecture to run it on, and the files it is about. The environment has
what `nox -s env` prints: of several versions of CPython each is a job of its own, which gets the settings that one run
over all versions would give it.
"""

import json
import os
import re
import sys

RUNNERS = {"amd64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
FILES = {
    ("tar", "runtime"): ["*.tgz", "*.manifest.json", "*.cdx.json", "*.provenance.json", "!*-dev_*"],
    ("tar", "runtime-dev"): ["*-dev_*.tgz", "*-dev_*.manifest.json", "*-dev_*.cdx.json", "*-dev_*.provenance.json"],
    ("deb", "runtime"): ["*.deb", "*.deb.provenance.json"],
    ("deb", "runtime-dev"): ["*-dev_*.deb", "*-dev_*.deb.provenance.json"],
}

versions = os.environ["PYTHON_VERSION"].split()
# One version is built as it is set, under the plain names.
builds = [{"python": "", "prefix": "", "root": ""}]
if len(versions) > 1:
    ends = [re.sub(r"^(3\.\d+)[^t]*", r"\1", version) for version in versions]
    prefix, root = os.environ["PACKAGE_PREFIX"], os.environ["PRT_ROOT"]
    builds = [
        {"python": version, "prefix": prefix + end, "root": root + end}
        for version, end in zip(versions, ends, strict=True)
    ]

matrix = []
for listed in json.load(sys.stdin):
    tags = set(listed["tags"])
    (runner,) = (runner for arch, runner in RUNNERS.items() if arch in tags)
    (files,) = (files for kind, files in FILES.items() if tags.issuperset(kind))
    # The digests of what a job uploads were taken when it was packed.
    paths = [f"!out/{name[1:]}" if name.startswith("!") else f"out/{name}" for name in (*files, "SHA256SUMS")]
    job = {"session": listed["session"], "runner": runner, "files": "\n".join(paths)}
    matrix += [{**job, **build} for build in builds]
print(json.dumps(matrix))
