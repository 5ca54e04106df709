"""A wheel built from source, by the interpreter it is for, without a network, with the files that its lock names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from builder.inputs.git import NO_DATE
from builder.inputs.pins import Sysroot
from builder.stages.from_source import ARCHIVE, FOLDER, FromSource
from builder.stages.interpreter.acceptance import OUTPUT as INTERPRETER
from builder.stages.lock import lines
from builder.stages.movable import make_movable, movable_files
from builder.stages.pip import OPTIONS, UNPACK_PIP, from_files, unpack_pip, with_unpacked_pip
from builder.stages.pip import environment as pip_environment
from builder.stages.planning import Inputs
from builder.stages.stage import WORK, File, Stage, Step, pack, unpack
from builder.targets import Arch

OUTPUT = "wheel.tgz"
NEEDED = "build.lock"
_SYSROOT = "sysroot"
_BUILT = "built"
_LONGEST_KIND = 32  # characters: the cache's server takes no longer name of a kind of results
_UNMET = (
    "is named in its log: a tool that [build-system] requires does not name goes into builds/requirements.txt of the "
    "recipe; then `nox -s lock`"
)


@dataclass(frozen=True)
class Wheel:
    """A package that is built, and the stage that builds it."""

    source: FromSource
    stage: Stage


def plan_wheel(source: FromSource, interpreter: Stage, inputs: Inputs, arch: Arch) -> Wheel:
    """Plan the build of a package's wheel, linked against the C library that the interpreter is linked against."""
    prt_root, machine, floor = inputs.settings.prt_root, inputs.machine, inputs.libc_floor(arch)
    sysroot = inputs.pins.sysroot(inputs.settings.sysroot, arch) if floor else None
    env = {"SOURCE_DATE_EPOCH": str(NO_DATE), **pip_environment(None)}
    steps = (
        unpack("unpack interpreter", INTERPRETER, str(prt_root)),
        make_movable("make movable", prt_root, env),
        *_prepared(source, sysroot),
        *_built(source, prt_root, env, {**_compiler(sysroot, prt_root), **_version(source)}),
        pack("pack wheel", f"{WORK}/{_BUILT}", OUTPUT, NO_DATE),
    )
    stage = Stage(
        _kind(source.name),
        {"package": source.name, "arch": arch.value, "surroundings": machine.surroundings},
        (
            *source.files,
            *movable_files(),
            UNPACK_PIP,
            File(NEEDED, lines(source.requires)),
            *((File("sysroot.tar", sysroot),) if sysroot else ()),
        ),
        steps,
        OUTPUT,
        parents=(interpreter,),
    )
    return Wheel(source, stage)


def _kind(name: str) -> str:
    """The kind of its results: another for every package, so that one explains its misses by its own results."""
    kind = f"wheel-{name}"
    if len(kind) <= _LONGEST_KIND:
        return kind
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{kind[: _LONGEST_KIND - 9]}-{digest}"


def _prepared(source: FromSource, sysroot: Sysroot | None) -> Iterator[Step]:
    """The steps after which the source is in its folder, and the C library in another."""
    if any(file.name == ARCHIVE for file in source.files):
        yield Step("make folder", ("mkdir", f"{WORK}/{FOLDER}"))
        extract = unpack("unpack source", ARCHIVE, f"{WORK}/{FOLDER}")
        yield Step(extract.name, (*extract.args, f"--strip-components={source.strip}"))
    if sysroot:
        yield Step("make sysroot", ("mkdir", f"{WORK}/{_SYSROOT}"))
        yield unpack("unpack sysroot", "sysroot.tar", f"{WORK}/{_SYSROOT}")


def _built(
    source: FromSource, prt_root: PurePosixPath, env: dict[str, str], building: dict[str, str]
) -> Iterator[Step]:
    """The steps that install what the build needs into the interpreter, which is thrown away, and build."""
    python = f"{prt_root}/bin/python"
    project = "/".join(filter(None, (WORK, FOLDER, source.subdirectory)))
    yield unpack_pip(prt_root)
    needed = (python, "-m", "pip", *from_files(), "--no-index", f"--requirement={WORK}/{NEEDED}")
    yield Step("install build requirements", needed, with_unpacked_pip(env))
    build = (
        python, "-m", "pip", "wheel", *OPTIONS, "--no-index", "--no-deps",
        "--no-build-isolation", "--check-build-dependencies", f"--wheel-dir={WORK}/{_BUILT}", project,
    )  # fmt: skip
    yield Step("build wheel", build, {**with_unpacked_pip(env), **building}, hint=f"what {source.name} lacks {_UNMET}")


def _compiler(sysroot: Sysroot | None, prt_root: PurePosixPath) -> dict[str, str]:
    """The variables that have a build see a sysroot only; neither its paths nor PRT_ROOT get into the result."""
    if not sysroot:
        return {}
    folder = f"{WORK}/{_SYSROOT}"
    # GCC looks for libraries next to itself first, whatever the sysroot; before that, where -B says.
    libraries = f"-B{folder}/usr/lib/{sysroot.arch.machine}-linux-gnu/"
    options = f"--sysroot={folder} {libraries} -ffile-prefix-map={WORK}=. -ffile-prefix-map={prt_root}=."
    tools = {"CC": "cc", "CXX": "c++", "CPP": "cpp"}  # uWSGI asks the last where headers are
    return {**{name: f"{tool} {options}" for name, tool in tools.items()}, "PKG_CONFIG_LIBDIR": "/nonexistent"}


def _version(source: FromSource) -> dict[str, str]:
    """What stands for a repository's tags, which did not come along, for back ends that read the version from them."""
    if not (source.version and source.strip == 0):
        return {}
    return {"SETUPTOOLS_SCM_PRETEND_VERSION": source.version, "PDM_BUILD_SCM_VERSION": source.version}
