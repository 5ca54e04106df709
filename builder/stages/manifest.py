"""The manifest: what exactly is inside a runtime, and where it came from. Described by `manifest.schema.json`.

The plan knows most of it; the Python version, the packages and the C library floor are measured in the finished
tree by `inside/write_manifest.py`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from builder.inputs.pins import Source
from builder.inputs.recipe import Recipe
from builder.stages.planning import Inputs
from builder.stages.stage import Json
from builder.targets import Target

# Where the steps ran. Said next to the archive, never in it: every engine makes the same bytes.
ENGINE = "engine"

SCHEMA = Path(__file__).with_name("manifest.schema.json")


def planned(target: Target, inputs: Inputs, recipes: tuple[Recipe, ...], built: list[Json]) -> dict[str, Json]:
    """The part that is known before anything runs; `built` describes the packages that are built from source."""
    settings, repository = inputs.settings, inputs.repository
    return {
        "runtime_version": settings.package_version,
        "arch": target.arch.value,
        "variant": target.variant.value,
        "prt_root": str(settings.prt_root),
        "optimization": {"pgo": inputs.optimizes, "lto": inputs.optimizes},
        "sources": [
            {**described(one), "patches": [patch.name for patch in inputs.patches(one.name)]} for one in inputs.sources
        ],
        "built": built,
        "recipe_sha256": _digest(recipes),
        "commit": repository.commit,
        "dirty": repository.dirty,
    }


def described(source: Source) -> dict[str, Json]:
    """A source as the manifest and the templates of the Debian package have it."""
    return {"name": source.name, "version": source.version, "license": source.license, "sha256": source.sha256}


def _digest(recipes: tuple[Recipe, ...]) -> str:
    """One digest over every file of the recipes, by name and content."""
    seen = hashlib.sha256()
    for recipe in recipes:
        groups = (recipe.requirements, recipe.pre_patches, recipe.post_patches, recipe.scripts, recipe.checks)
        for position, group in enumerate(groups):
            for file in group:
                seen.update(f"\0{recipe.variant.value}/{position}/{file.name}\0{len(file.content)}\0".encode())
                seen.update(file.content)
        for wheel in recipe.wheels:
            seen.update(f"\0{recipe.variant.value}/wheels/{wheel.name}\0{wheel.sha256}\0".encode())
        for project in recipe.projects:
            seen.update(f"\0{recipe.variant.value}/packages/{project.name}\0{project.sha256}\0".encode())
        for venv in recipe.venvs:
            seen.update(f"\0{recipe.variant.value}/venvs/{venv.name}\0{len(venv.requirements)}\0".encode())
            seen.update(b"\0".join((venv.requirements, *map(str.encode, venv.commands))))
        seen.update(recipe.licenses.as_json if recipe.licenses else b"")
        seen.update(b"\0".join((b"", recipe.constraints, recipe.pip_conf or b"", "\n".join(recipe.prune).encode())))
    return seen.hexdigest()
