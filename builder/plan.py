"""The plan: everything decided before anything runs. The same inputs make the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builder.packages import manifest
from builder.python_build import PythonBuild
from builder.recipe import Recipe
from builder.repository import Repository
from builder.settings import Settings
from builder.stages.interpreter import interpreter
from builder.stages.runtime import runtime
from builder.stages.step import Json, Stage
from builder.targets import Target, Variant


@dataclass(frozen=True)
class Plan:
    """How one target is built. `parent` is the plan of the artifact it starts from; None means the interpreter."""

    target: Target
    python_version: str
    interpreter: Stage
    stage: Stage
    manifest: Mapping[str, Json]
    tarball: str
    manifest_file: str
    parent: Plan | None

    @property
    def stage_keys(self) -> dict[str, Json]:
        """The key of every stage the artifact goes through, by the stage's name."""
        earlier = self.parent.stage_keys if self.parent else {"interpreter": self.interpreter.key}
        return {**earlier, self.stage.name: self.stage.key}


def make(
    target: Target,
    python_version: str,
    settings: Settings,
    recipes: Mapping[Variant, Recipe],
    repository: Repository,
    python_build: PythonBuild,
    *,
    engine: str,
    toolchain: str,
) -> Plan:
    """Plan a target for one exact Python version."""
    lower = None
    if target.variant is Variant.RUNTIME_DEV:
        lower = make(
            Target(Variant.RUNTIME, target.arch), python_version, settings, recipes, repository, python_build,
            engine=engine, toolchain=toolchain,
        )  # fmt: skip
    compiled = lower.interpreter if lower else interpreter(
        python_version,
        python_build,
        recipes[Variant.RUNTIME].pre_patches,
        optimize=settings.optimize,
        prt_root=settings.prt_root,
        arch=target.arch.value,
        toolchain=toolchain,
    )  # fmt: skip
    chain = (recipes[Variant.RUNTIME], recipes[target.variant]) if lower else (recipes[Variant.RUNTIME],)
    sources = (python_build.source(python_version), python_build.as_source())
    known = manifest.planned(target, settings, chain, repository, sources, engine)
    stage = runtime(
        chain,
        lower.stage.key if lower else compiled.key,
        prt_root=settings.prt_root,
        epoch=repository.date,
        manifest=known,
    )

    def artifact(ending: str) -> str:
        return target.artifact(settings.package_prefix, settings.package_version, ending)

    return Plan(target, python_version, compiled, stage, known, artifact("tgz"), artifact("manifest.json"), lower)
