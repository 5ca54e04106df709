"""The plan: everything decided before anything runs. The same inputs make the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from builder.inputs.deb_recipe import DebRecipe
from builder.inputs.recipe import Recipe, chain_of
from builder.inputs.settings import Settings
from builder.stages import manifest, pip
from builder.stages.deb import plan_deb_stage
from builder.stages.description import MANIFEST
from builder.stages.from_source import FromSource
from builder.stages.interpreter.configure import PROFILE
from builder.stages.interpreter.plan import plan_interpreter
from builder.stages.lock import LOCK, Distribution
from builder.stages.locked import Platform, of_recipe, of_venv
from builder.stages.planning import Inputs
from builder.stages.runtime import ARTIFACT, SYMBOLS_ARTIFACT, Locks, has_symbols, plan_tree
from builder.stages.sbom import SBOM
from builder.stages.stage import Json, Stage
from builder.stages.venvs import lock_of
from builder.stages.wheel import plan_wheel
from builder.targets import Arch, Target, Variant
from builder.trust.statement import ENDING
from builder.versions import debian_version


@dataclass(frozen=True)
class Plan:
    """How one target is built. `parent` is the plan of the artifact it starts from; None means the interpreter.

    `locks` say what is installed, `fetch` downloads what of it is missing, `stage` makes the artifact.
    `artifacts` are the files it makes: the name in its last workplace, and the one in ARTIFACT_DIR. `provenance` is the
    name of the file that says what they were made from.
    """

    target: Target
    inputs: Inputs
    interpreter: Stage
    locks: Locks
    fetch: Stage
    stage: Stage
    manifest: Mapping[str, Json]
    artifacts: Mapping[str, str]
    provenance: str
    parent: Plan | None

    @property
    def tarball(self) -> str:
        """The file name of the runtime's archive."""
        return self.artifacts[ARTIFACT]

    @property
    def manifest_file(self) -> str:
        """The file name of its manifest."""
        return self.artifacts[MANIFEST]

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that a build of it leaves in ARTIFACT_DIR."""
        return (*self.artifacts.values(), self.provenance)

    @property
    def training(self) -> Stage | None:
        """The training of PGO, if the interpreter needs one."""
        return next((stage for stage in self.interpreter.parents if stage.output == PROFILE), None)

    @property
    def stage_keys(self) -> dict[str, Json]:
        """The key of every stage the artifact goes through, by the stage's name."""
        earlier = self.parent.stage_keys if self.parent else {"interpreter": self.interpreter.key}
        return {**earlier, self.stage.name: self.stage.key}


@dataclass(frozen=True)
class DebPlan:
    """How the Debian package of a runtime is made: by one stage, from its tarball."""

    runtime: Plan
    stage: Stage
    file: str

    @property
    def provenance(self) -> str:
        """The name of the file that says what it was made from."""
        return f"{self.file}.{ENDING}"

    @property
    def files(self) -> tuple[str, ...]:
        """As a plan's."""
        return (self.file, self.provenance)


def plan_runtime(target: Target, inputs: Inputs) -> Plan:
    """Plan a target, after the one it starts from."""
    settings = inputs.settings
    lower = (
        plan_runtime(Target(Variant.RUNTIME, target.arch), inputs) if target.variant is Variant.RUNTIME_DEV else None
    )
    interpreter = lower.interpreter if lower else plan_interpreter(inputs, target.arch)
    recipes = chain_of(inputs.recipes, target.variant)
    env = pip.environment(inputs.libc_floor(target.arch))
    locks = _locks(recipes, inputs, target.arch, interpreter, lower)
    wheels = (*(lower.locks.every_wheel if lower else ()), *locks.every_wheel)
    planned_manifest = manifest.planned(target, inputs, recipes, [wheel.source.described for wheel in wheels])
    names = (LOCK, *map(lock_of, locks.venvs))
    fetch = pip.plan_fetch(recipes, names, prt_root=settings.prt_root, env=env)
    parent_key = lower.stage.key if lower else interpreter.key
    stage = plan_tree(recipes, inputs, target.arch, parent_key, locks, planned_manifest)
    endings = {ARTIFACT: "tgz", MANIFEST: "manifest.json", SBOM: "cdx.json"}
    if has_symbols(inputs, target.variant):
        endings[SYMBOLS_ARTIFACT] = "symbols.tgz"
    prefix, version = settings.package_prefix, settings.package_version
    artifacts = {name: target.artifact(prefix, version, ending) for name, ending in endings.items()}
    provenance = target.artifact(prefix, version, ENDING)
    return Plan(target, inputs, interpreter, locks, fetch, stage, planned_manifest, artifacts, provenance, lower)


def _locks(recipes: tuple[Recipe, ...], inputs: Inputs, arch: Arch, interpreter: Stage, lower: Plan | None) -> Locks:
    """What the last recipe installs, and what of it is built from source."""
    settings, machine, floor = inputs.settings, inputs.machine, inputs.libc_floor(arch)
    # A system's own libraries are taken for no older than those that are linked against by default.
    glibc = floor or inputs.pins.sysroot(settings.sysroot, arch).glibc
    platform = Platform(inputs.python_version, arch, glibc)
    found = of_recipe(recipes, platform)
    named = {lock_of(venv.name): of_venv(venv, platform) for venv in recipes[-1].venvs}
    if found is None:
        lock_inputs: dict[str, Json] = {
            "version": inputs.python_version,
            "arch": arch.value,
            "libc": floor or machine.toolchain,
            "below": lower.locks.stage.key if lower else None,
            # What a package from source says it needs is found by running its build.
            "surroundings": machine.surroundings if any(one.compiled for one in recipes) else None,
        }
        stage = pip.plan_lock(recipes, lock_inputs, prt_root=settings.prt_root, env=pip.environment(floor))
    else:
        named[LOCK] = found
        stage = pip.given_lock(_files(found))
    wheels = {
        lock: tuple(plan_wheel(one, interpreter, inputs, arch) for one in each if isinstance(one, FromSource))
        for lock, each in named.items()
    }
    venvs = {venv.name: _files(named[lock_of(venv.name)]) for venv in recipes[-1].venvs}
    built = {lock: each for lock, each in wheels.items() if each}
    return Locks(stage, None if found is None else _files(found), venvs, built)


def _files(named: tuple[Distribution | FromSource, ...]) -> tuple[Distribution, ...]:
    """What of a lock is installed as it is."""
    return tuple(one for one in named if isinstance(one, Distribution))


def plan_deb(runtime: Plan, recipe: DebRecipe) -> DebPlan:
    """Plan the Debian package of a planned runtime.

    Raises UserError for a version that no Debian package can have, and for a template that can't be rendered.
    """
    target, inputs = runtime.target, runtime.inputs
    settings, date = inputs.settings, inputs.repository.date
    version = debian_version(settings.package_version)
    name = target.variant.package(settings.package_prefix)
    words = {
        "package": name,
        "other": target.variant.other.package(settings.package_prefix),
        "version": version,
        "arch": target.arch.value,
        "variant": target.variant.value,
        "prt_root": str(settings.prt_root),
        "description": settings.package_desc,
        "maintainer": settings.package_maintainer,
        "date": format_datetime(datetime.fromtimestamp(date, UTC)),
        "python_version": inputs.python_version,
        "sources": [manifest.described(source) for source in inputs.sources],
        "licenses": sorted({source.license for source in inputs.sources}),
    }
    stage = plan_deb_stage(target, inputs, recipe.render(words), recipe, runtime.stage.key)
    return DebPlan(runtime, stage, deb_file(target, settings))


def deb_file(target: Target, settings: Settings) -> str:
    """The file name of a Debian package; UserError for a version that none can have."""
    version = debian_version(settings.package_version).rpartition(":")[2]  # as dpkg-name does: without the epoch
    return target.artifact(settings.package_prefix, version, "deb")
