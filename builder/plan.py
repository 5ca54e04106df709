"""The plan: everything decided before anything runs. The same inputs make the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from builder.inputs.choices import LineEditor, Profile
from builder.inputs.deb_recipe import DebRecipe
from builder.inputs.git import NO_DATE, Repository
from builder.inputs.pins import Pins, Source
from builder.inputs.recipe import Extras, Recipe, chain_of
from builder.inputs.settings import Settings
from builder.sources.python_build import PythonBuild
from builder.stages import manifest
from builder.stages import pip as packages
from builder.stages.deb import deb
from builder.stages.interpreter.across import across, build_python, train
from builder.stages.interpreter.compiler import CrossTarget
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.in_place import in_place
from builder.stages.interpreter.libraries import libraries
from builder.stages.runtime import ARTIFACT, MANIFEST, SYMBOLS_ARTIFACT, runtime
from builder.stages.stage import Json, Stage
from builder.targets import Arch, Target, Variant
from builder.versions import debian_version, has_zstd


@dataclass(frozen=True)
class Bench:
    """What builds: the fingerprint of its compilers, and the architecture it compiles on.

    `across` says whether the interpreter is compiled across, with the libraries inside. `surroundings` is the
    fingerprint of where all else is done: where packages are installed, scripts and checks run.
    """

    toolchain: str
    builds_on: Arch
    across: bool
    surroundings: str


@dataclass(frozen=True)
class Plan:
    """How one target is built. `parent` is the plan of the artifact it starts from; None means the interpreter.

    `lock` resolves its packages, `fetch` downloads those that are missing, `stage` makes the artifact.
    `artifacts` are the files it makes: the name in its last workplace, and the one in ARTIFACT_DIR.
    """

    target: Target
    python_version: str
    interpreter: Stage
    lock: Stage
    fetch: Stage
    stage: Stage
    manifest: Mapping[str, Json]
    artifacts: Mapping[str, str]
    parent: Plan | None
    bench: Bench

    @property
    def tarball(self) -> str:
        """The file name of the runtime's archive."""
        return self.artifacts[ARTIFACT]

    @property
    def manifest_file(self) -> str:
        """The file name of its manifest."""
        return self.artifacts[MANIFEST]

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


def make(
    target: Target,
    python_version: str,
    settings: Settings,
    recipes: Mapping[Variant, Recipe],
    repository: Repository,
    python_build: PythonBuild,
    *,
    extras: Extras,
    bench: Bench,
) -> Plan:
    """Plan a target for one exact Python version."""
    lower = None
    if target.variant is Variant.RUNTIME_DEV:
        runtime_target = Target(Variant.RUNTIME, target.arch)
        lower = make(
            runtime_target, python_version, settings, recipes, repository, python_build,
            extras=extras, bench=bench,
        )  # fmt: skip
    sources = [python_build.source(python_version), python_build.as_source()]
    if bench.across:
        sources += _libraries(python_version, settings, python_build.pins).values()
    if lower:
        compiled = lower.interpreter
    else:
        compiled = _interpreter(python_version, settings, recipes, python_build, extras, bench, target.arch)
    chain = chain_of(recipes, target.variant)
    floor = python_build.pins.sysroot(settings.sysroot, target.arch).glibc if bench.across else None
    suited: dict[str, Json] = {
        "version": python_version,
        "arch": target.arch.value,
        "libc": floor or bench.toolchain,
        "below": lower.lock.key if lower else None,
        # What a package from source says it needs is found by running its build.
        "surroundings": bench.surroundings if any(map(packages.from_source, chain)) else None,
    }
    known = manifest.planned(target, settings, chain, repository, tuple(sources))
    lock = packages.lock(chain, suited, prt_root=settings.prt_root, env=packages.environment(floor))
    fetch = packages.fetch(chain, prt_root=settings.prt_root, env=packages.environment(floor))
    has_symbols = bench.across and not lower
    stage = runtime(
        chain,
        lower.stage.key if lower else compiled.key,
        lock,
        prt_root=settings.prt_root,
        epoch=repository.date,
        manifest=known,
        libc_floor=floor,
        symbols=has_symbols,
        surroundings=bench.surroundings,
    )
    endings = {ARTIFACT: "tgz", MANIFEST: "manifest.json", **({SYMBOLS_ARTIFACT: "symbols.tgz"} if has_symbols else {})}
    artifacts = {
        name: target.artifact(settings.package_prefix, settings.package_version, ending)
        for name, ending in endings.items()
    }
    return Plan(target, python_version, compiled, lock, fetch, stage, known, artifacts, lower, bench)


def package(runtime: Plan, settings: Settings, recipe: DebRecipe, repository: Repository, pins: Pins) -> DebPlan:
    """Plan the Debian package of a planned runtime.

    Raises UserError for a version that no Debian package can have, and for a template that can't be rendered.
    """
    target = runtime.target
    version = debian_version(settings.package_version)
    name = target.variant.package(settings.package_prefix)
    sources = runtime.manifest["sources"]
    assert isinstance(sources, list)
    words = {
        "package": name,
        "other": target.variant.other.package(settings.package_prefix),
        "version": version,
        "arch": target.arch.value,
        "variant": target.variant.value,
        "prt_root": str(settings.prt_root),
        "description": settings.package_desc,
        "maintainer": settings.package_maintainer,
        "date": format_datetime(datetime.fromtimestamp(repository.date, UTC)),
        "python_version": runtime.python_version,
        "sources": sources,
        "licences": sorted({str(source["licence"]) for source in sources if isinstance(source, dict)}),
    }
    across = runtime.interpreter.compiles
    stage = deb(
        f"deb{target.variant.package_suffix}", name, target.arch, recipe.render(words), recipe,
        parent_key=runtime.stage.key, prt_root=settings.prt_root, epoch=repository.date,
        sysroot=pins.sysroot(settings.sysroot, target.arch) if across else None,
        tools=runtime.bench.toolchain if across else runtime.bench.surroundings,
    )  # fmt: skip
    return DebPlan(runtime, stage, deb_file(target, settings))


def deb_file(target: Target, settings: Settings) -> str:
    """The file name of a Debian package; UserError for a version that none can have."""
    version = debian_version(settings.package_version).rpartition(":")[2]  # as dpkg-name does: without the epoch
    return target.artifact(settings.package_prefix, version, "deb")


def _interpreter(
    version: str,
    settings: Settings,
    recipes: Mapping[Variant, Recipe],
    python_build: PythonBuild,
    extras: Extras,
    bench: Bench,
    arch: Arch,
) -> Stage:
    pins, pre_patches = python_build.pins, recipes[Variant.RUNTIME].pre_patches
    cpython = CPython(version, python_build, pre_patches, bench.toolchain, bench.builds_on, settings.line_editor)
    if not bench.across:
        return in_place(cpython, arch, optimize=settings.optimize, prt_root=settings.prt_root)
    target, native = (CrossTarget(one, pins.sysroot(settings.sysroot, one)) for one in (arch, bench.builds_on))
    inside = {
        one: libraries(
            one, _libraries(version, settings, pins), extras.library_patches,
            builds_on=bench.builds_on, toolchain=bench.toolchain, epoch=NO_DATE,
        )
        for one in {target, native}
    }  # fmt: skip
    helper = build_python(cpython)
    parents = [inside[target], helper]
    kept = extras.profiles.get(version) if settings.optimize and settings.profile is Profile.KEPT else None
    if settings.optimize and kept is None:
        parents.append(train(cpython, native, (inside[native], helper)))
    return across(cpython, target, tuple(parents), optimize=settings.optimize, profile=kept, prt_root=settings.prt_root)


def _libraries(version: str, settings: Settings, pins: Pins) -> dict[str, Source]:
    """The pinned libraries that go inside, by name: those this version of CPython can use, and one line editor."""
    left_out = {*map(str, LineEditor)} - {settings.line_editor}
    if not has_zstd(version):
        left_out.add("zstd")
    return {name: source for name, source in pins.libraries.items() if name not in left_out}
