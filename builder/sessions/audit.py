"""The session that looks for known vulnerabilities in finished artifacts."""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Sequence
from pathlib import Path

from builder.audit import inventory, report, sarif
from builder.audit.answers import Database
from builder.audit.api import Api
from builder.audit.findings import audit, unused
from builder.audit.folder import Folder
from builder.audit.inventory import Inventory
from builder.console import say
from builder.errors import UserError
from builder.inputs import audit_policy
from builder.inputs.project import Project
from builder.sessions.opening import fail_for, read_project, reported

_NEXT = (
    "build with newer versions (nox -s bump, nox -s lock -- --upgrade), or ignore one for a time in "
    f"recipes/{audit_policy.FILE}"
)


@reported
def look(args: Sequence[str]) -> None:
    """Look for known vulnerabilities in what was built; `-- PATH...` names other artifacts, or SBOMs that were kept.
    `-- --help` names the rest.
    """
    wanted = _arguments(args)
    project = read_project()
    today = datetime.datetime.now(datetime.UTC).date()
    ignores = audit_policy.read(project.recipes_folder / audit_policy.FILE)
    inventories = [inventory.read(path) for path in wanted.paths or _built(project.settings.artifact_dir)]
    database = _database(project, inventories, today)
    audits = audit(inventories, database, ignores, today)
    notes = unused(ignores, audits, today)
    if wanted.json:
        print(json.dumps(report.as_json(audits, database.described, notes), indent=2))
    elif wanted.sarif:
        print(json.dumps(sarif.document(audits), indent=2))
    else:
        say(report.text(audits, database.described, notes))
    fail_for((f"{one.name}: {report.summary(one)}" for one in audits if one.findings), _NEXT)


def _built(folder: Path) -> list[Path]:
    """The SBOMs next to the artifacts, whichever build they are of."""
    found = sorted(folder.glob("*.cdx.json"))
    if not found:
        raise UserError(f"{folder} has no SBOM", "build first (nox -s runtime), or name what is to be looked at")
    here = Path.cwd()
    return [path.relative_to(here) if path.is_relative_to(here) else path for path in found]


def _database(project: Project, inventories: Sequence[Inventory], today: datetime.date) -> Database:
    place = project.settings.osv_database
    if place.startswith(("http://", "https://")):
        return Api(place, project.network)
    packages = {name for one in inventories for component in one.components for name in component.packages}
    return Folder(Path(place), packages, today)


def _arguments(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s audit --", description="Look for known vulnerabilities.")
    parser.add_argument(
        "paths", type=Path, nargs="*", metavar="PATH",
        help="an archive, a Debian package, a folder with an unpacked runtime, or an SBOM (*.json)",
    )  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for programs")
    form.add_argument("--sarif", action="store_true", help="for GitHub's code scanning")
    return parser.parse_args(args)
