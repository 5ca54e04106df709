"""How each format is installed in a fresh place, what more is checked of it, and how it is removed again."""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.proofs import runtime
from builder.proofs.proof import PACKAGE, Proof
from builder.recipe import Recipe
from builder.settings import Settings
from builder.stages.step import Step, unpack
from builder.targets import Target


def tarball(target: Target, settings: Settings, recipes: tuple[Recipe, ...]) -> Proof:
    """The archive unpacked at PRT_ROOT. `recipes` are those the target is made of, the production one first."""
    return Proof(
        files=tuple(runtime.files(recipes)),
        install=unpacked(settings.prt_root),
        checks=tuple(runtime.checks(target, settings, recipes)),
    )


def unpacked(prt_root: PurePosixPath) -> tuple[Step, ...]:
    """The steps that unpack an archive at PRT_ROOT, as the README tells a user to."""
    return (Step("make PRT_ROOT", ("mkdir", "-p", str(prt_root))), unpack("unpack", PACKAGE, str(prt_root)))
