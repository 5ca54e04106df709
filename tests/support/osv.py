"""Advisories as OSV publishes them, SBOMs as builds write them, and a server that answers as OSV's API does."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from builder.audit.answers import Answer
from builder.audit.inventory import Component
from builder.audit.packages import of_purl

TODAY = "2026-11-29T00:00:00Z"
SQLITE, OPENSSL = "https://github.com/sqlite/sqlite", "https://github.com/openssl/openssl"

Record = dict[str, Any]


def record(name: str, *affected: Record, **more: Any) -> Record:
    """An advisory of today."""
    return {"schema_version": "1.7.5", "id": name, "modified": TODAY, "affected": [*affected], **more}


def of_package(name: str, *events: Record, versions: tuple[str, ...] = (), ecosystem: str = "PyPI") -> Record:
    """What an advisory says of a package: events in the order of its versions, and versions."""
    kind = "SEMVER" if ecosystem == "crates.io" else "ECOSYSTEM"
    ranges = [{"type": kind, "events": [*events]}] if events else []
    return {"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges, "versions": [*versions]}


def of_repository(url: str, *tags: str, fixed: str = "") -> Record:
    """What OSV makes of a CVE: commits of a repository, the tags between them, and what the CVE itself had said."""
    said = {"extracted_events": [{"introduced": "0"}, {"fixed": fixed}]} if fixed else {}
    events = [{"introduced": "0"}, {"fixed": "f" * 40}]
    return {"ranges": [{"type": "GIT", "repo": url, "events": events, "database_specific": said}], "versions": [*tags]}


IN_SQLITE = record(
    "CVE-2025-6965", of_repository(SQLITE, "version-3.49.0", "version-3.50.1", fixed="3.50.2"),
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    summary="memory corruption",
)  # fmt: skip
IN_JINJA = record(
    "GHSA-cpwx-vrp4-4pq7", of_package("Jinja2", {"introduced": "0"}, {"fixed": "3.1.6"}), aliases=["CVE-2025-27516"],
    database_specific={"severity": "MODERATE"}, summary="a way out of the sandbox",
)  # fmt: skip
IN_NOTHING = record("CVE-2022-37434", of_repository(OPENSSL, "openssl-1.0.0"))


def of(name: str, version: str, kind: str = "pypi") -> Component:
    """A component as an inventory has it."""
    return Component(name, version, of_purl(f"pkg:{kind}/{name}@{version}"))


OLD_SQLITE, NEW_SQLITE = of("sqlite", "3.50.1", "generic"), of("sqlite", "3.50.2", "generic")
OLD_JINJA, NEW_JINJA = of("jinja2", "3.1.5"), of("jinja2", "3.1.6")


def named(answer: Answer) -> list[str]:
    """The names of the advisories that a database found."""
    return sorted(one.advisory.id for one in answer.matches)


def component(name: str, version: str, kind: str = "pypi", **more: Any) -> Record:
    """A component of an SBOM."""
    return {"bom-ref": name, "name": name, "version": version, "purl": f"pkg:{kind}/{name.lower()}@{version}", **more}


def sbom(*components: Record) -> bytes:
    """An SBOM that names components."""
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [*components]}).encode()


def folder(path: Path, *records: Record) -> Path:
    """A folder with OSV's data: a zip file, and a file by itself."""
    path.mkdir(parents=True, exist_ok=True)
    first, *others = records
    (path / f"{first['id']}.json").write_text(json.dumps(first))
    with zipfile.ZipFile(path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for one in others:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
    return path


@dataclass
class OsvServer:
    """A running server: its URL, and every question that it was asked.

    `affected` has the names of advisories by ecosystem, name and version; a version `` is any. Of each result it gives
    one name a page. `whole`, if there is one, is its answer to every batch.
    """

    url: str
    records: Mapping[str, Record]
    affected: Mapping[tuple[str, str, str], tuple[str, ...]]
    whole: bytes = b""
    questions: list[Record] = field(default_factory=list)

    def answer(self, question: Record) -> Record:
        """One result of a batch."""
        self.questions.append(question)
        package = question["package"]
        names = self.affected.get((package["ecosystem"], package["name"], question.get("version", "")), ())
        start = int(question.get("page_token", "0"))
        if not names:
            return {}
        page: Record = {"vulns": [{"id": names[start], "modified": TODAY}]}
        return {**page, "next_page_token": str(start + 1)} if start + 1 < len(names) else page


@contextmanager
def osv_server(
    records: list[Record], affected: Mapping[tuple[str, str, str], tuple[str, ...]], whole: bytes = b""
) -> Iterator[OsvServer]:
    """The server, on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"results": [found.answer(one) for one in batch["queries"]]}
            self._send(found.whole or json.dumps(answer).encode() if self.path == "/v1/querybatch" else b"")

        def do_GET(self) -> None:
            known = found.records.get(self.path.removeprefix("/v1/vulns/"))
            self._send(json.dumps(known).encode() if known else b"")

        def _send(self, answer: bytes) -> None:
            text = answer or b'{"code": 5, "message": "not found"}'
            self.send_response(200 if answer else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with suppress(OSError):  # who has read enough is gone
                self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        found = OsvServer(url, {one["id"]: one for one in records}, affected, whole)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()
