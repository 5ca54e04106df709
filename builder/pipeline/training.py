"""The profile of an optimised build, trained to be kept in `recipes/profiles`."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

from builder.errors import UserError
from builder.files import write_whole
from builder.inputs.choices import Profile
from builder.pipeline.pipeline import Pipeline
from builder.targets import Arch, Target, Variant


def train(pipeline: Pipeline) -> Path:
    """Train PGO for the version that PYTHON_VERSION names, or find that training in the cache; returns what is kept.

    UserError where an interpreter is compiled in place: GCC trains each time.
    """
    project = pipeline.project
    trains = replace(project, settings=replace(project.settings, optimize=True, profile=Profile.TRAIN))
    pipeline = replace(pipeline, project=trains)
    target = Target(Variant.RUNTIME, Arch.native())
    plan = pipeline.plan(target)
    if plan.training is None:
        raise UserError(
            "an interpreter that is compiled in place keeps no profile", "unset COMPILE and LIBRARIES; ENGINE=sandbox"
        )
    kept = project.recipes_folder / "profiles" / f"{plan.inputs.python_version}.profdata.xz"
    if kept.exists():
        pipeline.console.say(f"{kept}: there already; remove it to train again")
        return kept
    with pipeline.parts() as parts:
        trained = pipeline.results.of(plan.training, target, parts)
        write_whole(kept, lzma.compress(trained.path.read_bytes(), preset=9))
    return kept
