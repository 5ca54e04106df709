"""The sessions that print what a build would start from."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from builder.console import say, table
from builder.errors import BuildError, UserError
from builder.inputs.parsers import without_credentials
from builder.inputs.settings import SETTINGS
from builder.pipeline import stores
from builder.pipeline.outlook import look_ahead
from builder.plan import deb_file
from builder.sessions.opening import read_project, reported
from builder.sources.releases import Indexes, newer
from builder.targets import Arch, Target, Variant
from builder.trust.statement import ENDING

_ENDINGS = {"TARBALL": "tgz", "MANIFEST": "manifest.json", "SBOM": "cdx.json", "PROVENANCE": ENDING}


@reported
def settings() -> None:
    """Print every setting, its value and where it came from (default); then what a build would find in the cache."""
    project = read_project()
    found = project.settings
    rows = [(row.name, found.shown(row), found.values[row.name].origin) for row in SETTINGS]
    say(table(("SETTING", "VALUE", "FROM"), rows))
    target = Target(Variant.RUNTIME, Arch.native())
    for one in project.each_version():
        stages = list(look_ahead(one, target, stores.cache(one, say)))
        if stages:
            what = f"{target}, Python {one.settings.python_version}"
            say(f"\n{table((f'STAGE of {what}', 'AS THE LAST BUILD COMPILED'), stages)}")


@reported
def environment() -> None:
    """Print NAME=value lines for eval and env files: the settings, and the artifacts' names."""
    found = read_project().settings
    lines = {row.name: found.values[row.name].text for row in SETTINGS if not row.secret}
    lines["ARTIFACT_DIR"] = str(found.artifact_dir)
    for target in (Target(variant, arch) for arch in Arch for variant in Variant):
        name = f"{target.variant.value}_{target.arch.suffix}".upper().replace("-", "_")
        for kind, ending in _ENDINGS.items():
            names = (target.artifact(one.package_prefix, one.package_version, ending) for one in found.each_version())
            lines[f"{kind}_{name}"] = " ".join(names)
        with suppress(UserError):  # not every version of a tarball can be one of a Debian package
            lines[f"DEB_{name}"] = " ".join(deb_file(target, one) for one in found.each_version())
    for name, value in lines.items():
        if without_credentials(value) == value:
            print(f"{name}={shlex.quote(value) if value else ''}")
        else:  # without its password it would be another setting
            print(f"{name} is left out, because it holds a password", file=sys.stderr)


@reported
def pins() -> None:
    """Print every source that is downloaded, and what newer version Debian has."""
    project = read_project()
    pinned = project.pins
    sources = (*pinned.pythons.values(), pinned.python_build, *pinned.libraries.values())
    not_updated = dict.fromkeys(
        package for one in pinned.sysroots for package in (*one.headers, *one.packages, *one.beside)
    )
    try:
        found = newer(sources, Indexes(stores.source_shelf(project, say)))
        known = {source: releases[0].plain for source, releases in found.items()}
    except BuildError as problem:
        say(f"note: newer versions are not known: {problem}\n")
        known = {}
    rows = [
        (s.name, s.version, known.get(s, ""), s.license, s.sha256[:16], s.signed_by[-16:], s.places[0])
        for s in (*sources, *not_updated)
    ]
    say(table(("SOURCE", "VERSION", "NEWER", "LICENSE", "SHA256", "SIGNED BY", "FIRST PLACE"), rows))


def sessions(groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Print the sessions, group by group; those of one architecture are next to their general form."""
    endings = tuple(f"-{arch.suffix}" for arch in Arch)
    for group, entries in groups.items():
        print(f"\n{group}:")
        for name, purpose in entries:
            if name.endswith(endings):
                continue
            forms = [ending for ending in endings if name + ending in dict(entries)]
            label = f"{name} [{', '.join(forms)}]" if forms else name
            print(f"  {label:<32} {purpose}")
    print("\nSettings: `nox`. A session with [-x86, -arm] also has those forms, such as `nox -s runtime-arm`.")
