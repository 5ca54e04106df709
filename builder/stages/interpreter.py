"""The interpreter stage: CPython compiled by python-build into PRT_ROOT, complete, before any package."""

from __future__ import annotations

import calendar
from pathlib import Path, PurePosixPath

from builder.python_build import PythonBuild
from builder.recipe import RecipeFile
from builder.repository import NO_DATE
from builder.stages.step import JOBS, WORK, File, Stage, Step, pack, unpack

REQUIRED_MODULES = (
    "ssl", "hashlib", "zlib", "bz2", "lzma", "sqlite3", "ctypes", "readline", "curses", "uuid", "decimal",
)  # fmt: skip

_INSIDE = Path(__file__).parents[1] / "inside"
_BUILD = f"{WORK}/python-build"
_DEFINITIONS = f"{_BUILD}/share/python-build"


def interpreter(
    version: str,
    python_build: PythonBuild,
    pre_patches: tuple[RecipeFile, ...],
    *,
    optimize: bool,
    prt_root: PurePosixPath,
    arch: str,
    toolchain: str,
) -> Stage:
    """Plan the compile of one CPython version. `toolchain` is the fingerprint of compiler, linker and headers."""
    source = python_build.source(version)
    package = f"Python-{version.removesuffix('t')}"
    released = source.released
    epoch = calendar.timegm(released.timetuple()) if released else NO_DATE
    files = [
        File(f"sources/{package}.tar.xz", source),
        File("python-build/bin/python-build", python_build.script, executable=True),
        File("check_modules.py", (_INSIDE / "check_modules.py").read_bytes()),
    ]
    definitions = python_build.definitions(version)
    files += [File(f"{_DEFINITIONS[len(WORK) + 1 :]}/{name}", text.encode()) for name, text in definitions.items()]
    base = version.removesuffix("t")
    patches = f"{_DEFINITIONS[len(WORK) + 1 :]}/patches"
    files += [File(f"{patches}/{name}", content) for name, content in python_build.patches(base)]
    if pre_patches:
        # python-build joins the files of this folder in name order, and strips one path level if a line says
        # "diff --git a/"; ours are written that way, and so must the whole be.
        own = f"{patches}/{base}/{package}/zz"
        files.append(File(f"{own}-0000", b"diff --git a/ b/\n"))
        files += [File(f"{own}-{number:04}", patch.content) for number, patch in enumerate(pre_patches, 1)]
        files += [File(f"pre-patch/{patch.name}", patch.content) for patch in pre_patches]
    return Stage(
        name="interpreter",
        inputs={"version": version, "arch": arch, "prt_root": str(prt_root), "toolchain": toolchain},
        files=tuple(files),
        steps=(
            *_prove_patches(package, pre_patches),
            _compile(version, optimize=optimize, prt_root=prt_root, epoch=epoch),
            Step(
                "check modules",
                (f"{prt_root}/bin/python", "-I", f"{WORK}/check_modules.py", *REQUIRED_MODULES),
                hint="install the headers the module needs, and build again",
            ),
            Step(
                "remove bytecode",
                ("find", str(prt_root), "-name", "__pycache__", "-prune", "-exec", "rm", "-r", "{}", "+"),
            ),
            pack("pack interpreter", str(prt_root), "interpreter.tgz", epoch),
        ),
        output="interpreter.tgz",
    )


def _prove_patches(package: str, pre_patches: tuple[RecipeFile, ...]) -> list[Step]:
    """Apply each patch to a scratch copy, so that a failing one names itself; python-build applies them as one."""
    if not pre_patches:
        return []
    apply = [
        Step(
            f"pre-patch {patch.name}",
            (
                "patch",
                "-p1",
                "--force",
                f"--directory={WORK}/scratch/{package}",
                f"--input={WORK}/pre-patch/{patch.name}",
            ),
            hint=f"recipes/runtime/pre-patch/{patch.name} does not fit this version of CPython",
        )
        for patch in pre_patches
    ]
    scratch = Step("make scratch folder", ("mkdir", "-p", f"{WORK}/scratch"))
    return [scratch, unpack("unpack source", f"sources/{package}.tar.xz", f"{WORK}/scratch"), *apply]


def _compile(version: str, *, optimize: bool, prt_root: PurePosixPath, epoch: int) -> Step:
    # A static libpython is faster, and makes `venv --copies` and a moved tree work. Everything that tunes goes
    # through configure's own switches: they put it into *_NODIST, where no extension inherits it.
    options = ["--disable-shared", *(["--enable-optimizations", "--with-lto"] if optimize else [])]
    env = {
        "PYTHON_CONFIGURE_OPTS": " ".join(options),
        "PYTHON_BUILD_CACHE_PATH": f"{WORK}/sources",
        "PYTHON_BUILD_BUILD_PATH": f"{WORK}/build",
        "PYTHON_BUILD_SKIP_MIRROR": "1",
        "SOURCE_DATE_EPOCH": str(epoch),
        "MAKE_OPTS": f"-j{JOBS}",
    }
    if optimize:
        # One process trains: parallel training corrupts GCC's profiles (python/cpython#145801).
        env["PROFILE_TASK"] = "-m test --pgo --timeout=1200"
    name = f"compile CPython {version}" + (" (PGO, LTO)" if optimize else "")
    args = (f"{_BUILD}/bin/python-build", "--verbose", version, str(prt_root))
    return Step(name, args, env, hint="the log has the compiler's words")
