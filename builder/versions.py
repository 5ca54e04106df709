"""Version rules: the latest release tag, and the Python that a wish such as `3.13` means."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from builder.errors import UserError


def _parse(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def latest_tag(tags: Iterable[str]) -> str | None:
    """The `v*` tag with the highest version; a pre-release counts only while there is no final release."""
    versions = {tag: version for tag in tags if tag.startswith("v") and "_" not in tag and (version := _parse(tag))}
    finals = {tag: version for tag, version in versions.items() if not version.is_prerelease}
    return max(finals or versions, key=versions.__getitem__, default=None)


def minor(version: str) -> str:
    """`3.13` of `3.13.5t`."""
    return ".".join(version.rstrip("t").split(".")[:2])


def resolve_python(wanted: str, known: Iterable[str]) -> tuple[str, str]:
    """The exact version that is wanted, and the newest known patch of the same minor version.

    `3.13` means the newest patch; raises UserError for a version that is not known.
    """
    flavour = "t" if wanted.endswith("t") else ""
    candidates = {
        name: version
        for name in known
        if name.endswith("t") == bool(flavour) and (version := _parse(name.removesuffix("t")))
    }
    same_minor = {name: version for name, version in candidates.items() if minor(name) == minor(wanted)}
    finals = {name: version for name, version in same_minor.items() if not version.is_prerelease}
    newest = max(finals or same_minor, key=same_minor.__getitem__, default=None)
    if wanted in same_minor:
        return wanted, newest or wanted
    if newest and wanted.removesuffix("t").count(".") == 1:
        return newest, newest
    nearby = sorted(same_minor or candidates, key=candidates.__getitem__)[-20:]
    raise UserError(
        f"PYTHON_VERSION={wanted}: neither python-build nor recipes/pins.toml knows it",
        f"known: {', '.join(nearby) or 'none'}; a newer pyenv (PYENV_ROOT) knows more, or pin it in recipes/pins.toml",
    )
