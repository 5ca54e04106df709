"""Compiling CPython for any target on the build machine: a plain native Python first, then the target's own."""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.python_build import PythonBuild
from builder.recipe import RecipeFile
from builder.stages.compile import compile_files, compile_step, epoch_of, package_of, prove_patches, without_bytecode
from builder.stages.configure import BUILD_PREFIX, OPTIMIZED, PROFILE, TAIL_DUP, binary, environment, options
from builder.stages.interpreter import OUTPUT, proof
from builder.stages.libraries import OUTPUT as LIBRARIES
from builder.stages.step import JOBS, WORK, File, Stage, Step, pack, unpack
from builder.stages.target import CLANG, DEPS, CrossTarget, llvm
from builder.targets import Arch

_BUILD_PYTHON = "build-python.tgz"
# Modules the build Python does without: it only runs CPython's own build scripts.
_NOT_NEEDED = """
    _ssl _hashlib _sqlite3 _ctypes _curses _curses_panel _dbm _gdbm _tkinter _lzma _bz2 _uuid _decimal _codecs_cn
    _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw readline nis ossaudiodev spwd _crypt xxlimited
    xxlimited_35
""".split()


def _definition(python_build: PythonBuild, version: str, steps: str = "standard") -> dict[str, str]:
    """A definition that only configures, makes and installs: what it made can't always run on the build machine."""
    source = python_build.source(version)
    free_threading = "export PYTHON_BUILD_FREE_THREADING=1\n" if version.endswith("t") else ""
    url = f"{source.places[0]}#{source.sha256}"
    return {version: f'{free_threading}install_package "{package_of(version)}" "{url}" {steps}\n'}


def build_python(
    version: str, python_build: PythonBuild, pre_patches: tuple[RecipeFile, ...], *, toolchain: str, builds_on: Arch
) -> Stage:
    """Plan the build machine's own interpreter of the same source: quick to make, never shipped."""
    epoch = epoch_of(python_build.source(version))
    plain = (
        "--disable-shared", "--without-ensurepip", "--disable-test-modules", "--without-static-libpython",
        "--without-readline",
    )  # fmt: skip
    env = {
        "CC": f"clang-{CLANG} -fuse-ld=lld",
        "AR": llvm("ar"),
        "OPT": "-O1 -g0 -DNDEBUG",
        "SOURCE_DATE_EPOCH": str(epoch),
        **{f"py_cv_module_{name}": "n/a" for name in _NOT_NEEDED},
    }
    return Stage(
        name="build-python",
        inputs={"version": version, "arch": builds_on.value, "toolchain": toolchain},
        files=tuple(compile_files(version, python_build, pre_patches, _definition(python_build, version))),
        steps=(
            *prove_patches(version, pre_patches),
            compile_step(f"compile build Python {version}", version, BUILD_PREFIX, plain, env),
            without_bytecode(BUILD_PREFIX),
            pack("pack build Python", BUILD_PREFIX, _BUILD_PYTHON, epoch),
        ),
        output=_BUILD_PYTHON,
        compiles=True,
    )


def train(
    version: str,
    python_build: PythonBuild,
    pre_patches: tuple[RecipeFile, ...],
    target: CrossTarget,
    parents: tuple[Stage, ...],
    *,
    builds_on: Arch,
    toolchain: str,
) -> Stage:
    """Plan the training of PGO, on the build machine's own architecture: one merged profile, good for every target."""
    tree, prefix = f"{WORK}/build/{package_of(version)}", f"{WORK}/not-installed"
    # One process trains: a profile of many is not worth the doubt (python/cpython#145801).
    env = {
        **environment(target, ()),
        "MAKE_OPTS": f"-j{JOBS} profile-run-stamp",
        "PROFILE_TASK": "-m test --pgo --timeout=1200",
        "SOURCE_DATE_EPOCH": str(epoch_of(python_build.source(version))),
    }
    training = (*options(target, builds_on, version), "--enable-optimizations")
    return Stage(
        name="profile",
        inputs={"version": version, "arch": target.arch.value, "toolchain": toolchain},
        files=(
            *target.files,
            *compile_files(version, python_build, pre_patches, _definition(python_build, version, "standard_build")),
        ),
        steps=(
            *_ready(target),
            # Nothing is installed there, but python-build ends by looking into the folder.
            Step("make prefix", ("mkdir", "-p", prefix)),
            compile_step(f"train CPython {version}", version, prefix, training, env),
            Step("take profile", ("cp", f"{tree}/code.profclangd", f"{WORK}/{PROFILE}")),
        ),
        output=PROFILE,
        parents=parents,
        compiles=True,
    )


def across(
    version: str,
    python_build: PythonBuild,
    pre_patches: tuple[RecipeFile, ...],
    target: CrossTarget,
    parents: tuple[Stage, ...],
    *,
    optimize: bool,
    profile: bytes | None,
    prt_root: PurePosixPath,
    builds_on: Arch,
    toolchain: str,
) -> Stage:
    """Plan the interpreter of one target. `parents` are its libraries, the build Python, and the training if it is
    optimised without a kept `profile`.
    """
    epoch = epoch_of(python_build.source(version))
    return Stage(
        name="interpreter",
        inputs={"version": version, "arch": target.arch.value, "prt_root": str(prt_root), "toolchain": toolchain},
        files=(
            *target.files,
            *((File(PROFILE, profile),) if profile else ()),
            *compile_files(version, python_build, pre_patches, _definition(python_build, version)),
        ),
        steps=(
            *prove_patches(version, pre_patches),
            *_ready(target),
            compile_step(
                f"compile CPython {version} for {target.arch.value}" + (" (PGO, LTO)" if optimize else ""),
                version,
                str(prt_root),
                (*options(target, builds_on, version), *(("--with-lto=full",) if optimize else ())),
                {"SOURCE_DATE_EPOCH": str(epoch), **environment(target, OPTIMIZED if optimize else ())},
            ),
            Step("link python", ("ln", "-sf", "python3", f"{prt_root}/bin/python")),
            _plain_words(target, prt_root),
            Step("strip", ("find", str(prt_root), *_stripped(version), "-exec", llvm("strip"), "{}", "+")),
            without_bytecode(str(prt_root)),
            pack("pack interpreter", str(prt_root), OUTPUT, epoch),
        ),
        output=OUTPUT,
        parents=parents,
        compiles=True,
        proof=proof(prt_root),
    )


def _ready(target: CrossTarget) -> tuple[Step, ...]:
    """Unpack what the parents made."""
    return (
        *target.steps,
        Step("make build Python's folder", ("mkdir", "-p", BUILD_PREFIX)),
        unpack("unpack libraries", LIBRARIES, DEPS),
        unpack("unpack build Python", _BUILD_PYTHON, BUILD_PREFIX),
    )


def _plain_words(target: CrossTarget, prt_root: PurePosixPath) -> Step:
    """In what CPython remembers of its build, for those who build extensions: plain tools, no path of this machine."""
    words = {
        f"{target.compiler}[+][+]": "c++",
        target.compiler: "cc",
        **{llvm(tool): tool for tool in ("ar", "ranlib", "nm", "strip", "objdump", "readelf", "profdata")},
        f" *-(I|L|ffile-prefix-map=|fprofile-instr-use=){WORK}[^ '\"]*": "",
        f" *(-Wl,)?{TAIL_DUP.replace(' ', '[ ,]')}": "",
        f"{WORK}/build-python/bin/": "",
        WORK: "/usr/src",
    }
    edits = (f"--expression=s#{old}#{new}#g" for old, new in words.items())
    remembered = ("(", "-name", "_sysconfigdata_*.py", "-o", "-name", "Makefile", "-o", "-name", "*.pc", ")")
    args = ("find", f"{prt_root}/lib", *remembered, "-exec", "sed", "--in-place", "-E", *edits, "{}", "+")
    return Step("name plain tools", args)


def _stripped(version: str) -> tuple[str, ...]:
    return ("-type", "f", "(", "-name", binary(version), "-o", "-path", "*/lib-dynload/*.so", ")")
