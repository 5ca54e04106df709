"""Compiling CPython with python-build: the files it needs, the patches in its way, and the step that runs it."""

from __future__ import annotations

import calendar
from collections.abc import Mapping

from builder.python_build import PythonBuild
from builder.recipe import RecipeFile
from builder.repository import NO_DATE
from builder.sources import Source
from builder.stages.step import JOBS, WORK, File, Step, unpack

_PYTHON_BUILD = "python-build"
_DEFINITIONS = f"{_PYTHON_BUILD}/share/python-build"
_PATCH = ("patch", "-p1", "--force")


def package_of(version: str) -> str:
    """`Python-3.13.5`, as python-build and the source tarball call it, for 3.13.5 and 3.13.5t."""
    return f"Python-{version.removesuffix('t')}"


def epoch_of(source: Source) -> int:
    """The date of a release, in seconds since 1970: the date its files and its banner get."""
    return calendar.timegm(source.released.timetuple()) if source.released else NO_DATE


def compile_files(
    version: str, python_build: PythonBuild, pre_patches: tuple[RecipeFile, ...], definitions: Mapping[str, str]
) -> list[File]:
    """python-build, the definitions of a version, the source tarball and all patches."""
    package = package_of(version)
    files = [
        File(f"sources/{package}.tar.xz", python_build.source(version)),
        File(f"{_PYTHON_BUILD}/bin/python-build", python_build.script, executable=True),
        *(File(f"{_DEFINITIONS}/{name}", text.encode()) for name, text in definitions.items()),
        *(File(f"{_DEFINITIONS}/patches/{name}", content) for name, content in python_build.patches(version)),
    ]
    if pre_patches:
        # python-build joins the files of this folder in name order, and strips one path level if a line says
        # "diff --git a/"; ours are written that way, and so must the whole be.
        own = f"{_DEFINITIONS}/patches/{version}/{package}/zz"
        files.append(File(f"{own}-0000", b"diff --git a/ b/\n"))
        files += [File(f"{own}-{number:04}", patch.content) for number, patch in enumerate(pre_patches, 1)]
        files += [File(f"pre-patch/{patch.name}", patch.content) for patch in pre_patches]
    return files


def prove_patches(version: str, pre_patches: tuple[RecipeFile, ...]) -> list[Step]:
    """Apply each patch to a scratch copy, so that a failing one names itself; python-build applies them as one."""
    if not pre_patches:
        return []
    package = package_of(version)
    apply = [
        Step(
            f"pre-patch {patch.name}",
            (*_PATCH, f"--directory={WORK}/scratch/{package}", f"--input={WORK}/pre-patch/{patch.name}"),
            hint=f"recipes/runtime/pre-patch/{patch.name} does not fit this version of CPython",
        )
        for patch in pre_patches
    ]
    scratch = Step("make scratch folder", ("mkdir", "-p", f"{WORK}/scratch"))
    return [scratch, unpack("unpack source", f"sources/{package}.tar.xz", f"{WORK}/scratch"), *apply]


def compile_step(name: str, version: str, prefix: str, options: tuple[str, ...], env: Mapping[str, str]) -> Step:
    """Run python-build. `options` go to configure; none of them may hold a blank. The source tree is kept."""
    return Step(
        name,
        (f"{WORK}/{_PYTHON_BUILD}/bin/python-build", "--verbose", "--keep", version, prefix),
        {
            "PYTHON_CONFIGURE_OPTS": " ".join(options),
            "PYTHON_BUILD_CACHE_PATH": f"{WORK}/sources",
            "PYTHON_BUILD_BUILD_PATH": f"{WORK}/build",
            "PYTHON_BUILD_SKIP_MIRROR": "1",
            "MAKE_OPTS": f"-j{JOBS}",
            **env,
        },
        hint="the log has the compiler's words",
    )


def without_bytecode(folder: str) -> Step:
    """Remove the bytecode of a tree: the package stage makes it anew, once, reproducibly."""
    return Step("remove bytecode", ("find", folder, *"-name __pycache__ -prune -exec rm -r {} +".split()))
