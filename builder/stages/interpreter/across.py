"""Compiling CPython for any target on the build machine: a plain native Python first, then the target's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.stages.interpreter import libpython, modules, probes
from builder.stages.interpreter.acceptance import OUTPUT, plan_acceptance
from builder.stages.interpreter.compiler import CLANG, CrossCompiler, llvm
from builder.stages.interpreter.configure import (
    BUILD_PREFIX,
    HEADERS,
    LINK_TIME_OPTIMIZATION,
    LLVM_OPTIONS,
    OPTIMIZED,
    PROFILE,
    build_python,
    environment,
    options,
)
from builder.stages.interpreter.cpython import NO_ARCHIVE, CPython, without_bytecode
from builder.stages.interpreter.libraries import unpack_libraries, unpack_python
from builder.stages.interpreter.licenses import keep_licenses
from builder.stages.interpreter.openssl import one_openssl
from builder.stages.interpreter.symbols import SPLIT_SYMBOLS, split_symbols
from builder.stages.interpreter.tk import add_tk
from builder.stages.programs import program_file
from builder.stages.stage import JOBS, WORK, File, Stage, Step, pack
from builder.versions import is_free_threaded, minor

_PROFILE_USE = program_file("profile_use.py")
_BUILD_PYTHON = "build-python.tgz"
# Modules the build Python does without: it only runs CPython's own build scripts.
_NOT_NEEDED = """
    _ssl _hashlib _sqlite3 _ctypes _curses _curses_panel _dbm _gdbm _tkinter _lzma _bz2 _uuid _decimal _codecs_cn
    _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw readline nis ossaudiodev spwd _crypt xxlimited
    xxlimited_35
""".split()


def _definition(cpython: CPython, steps: str = "standard") -> dict[str, str]:
    """A definition that only configures, makes and installs: what it made can't always run on the build machine."""
    free_threading = "export PYTHON_BUILD_FREE_THREADING=1\n" if is_free_threaded(cpython.version) else ""
    url = f"{cpython.source.places[0]}#{cpython.source.sha256}"
    edits, names = zip(modules.definition(cpython), libpython.definition(cpython), strict=True)
    install = f'install_package "{cpython.package}" "{url}" {"".join(names)}{steps}\n'
    return {cpython.release.version: "".join((free_threading, *edits, install))}


def plan_build_python(cpython: CPython) -> Stage:
    """Plan the build machine's own interpreter of the same source: quick to make, never shipped."""
    plain = (
        "--disable-shared", "--without-ensurepip", "--disable-test-modules", NO_ARCHIVE,
        "--without-readline",
    )  # fmt: skip
    env = {
        "CC": f"clang-{CLANG} -fuse-ld=lld",
        "AR": llvm("ar"),
        # It runs for seconds only: -O1 took 79 s of one processor to compile, this 40.
        "OPT": "-O0 -g0 -DNDEBUG",
        **modules.environment(cpython),
        **{f"py_cv_module_{name}": "n/a" for name in _NOT_NEEDED},
    }
    return Stage(
        name="build-python",
        inputs=cpython.inputs(cpython.builds_on),
        files=tuple(cpython.files(_definition(cpython))),
        steps=(
            *cpython.prove_patches(),
            cpython.compile(f"compile build Python {cpython.version}", BUILD_PREFIX, plain, env),
            without_bytecode(BUILD_PREFIX),
            pack("pack build Python", BUILD_PREFIX, _BUILD_PYTHON, cpython.epoch),
        ),
        output=_BUILD_PYTHON,
        compiles=True,
        brief=True,
    )


def plan_training(cpython: CPython, target: CrossCompiler, parents: tuple[Stage, ...]) -> Stage:
    """Plan the training of PGO, on the build machine's own architecture: one merged profile, good for every target.

    `parents` are the libraries of that architecture and the build Python.
    """
    tree, prefix = f"{WORK}/build/{cpython.package}", f"{WORK}/not-installed"
    # One process trains: a profile of many is not worth the risk (python/cpython#145801).
    env = {
        **environment(target, cpython, ()),
        "MAKE_OPTS": f"-j{JOBS} profile-run-stamp",
        "PROFILE_TASK": "-m test --pgo --timeout=1200",
    }
    training = (*options(target, cpython), "--enable-optimizations")
    return Stage(
        name="profile",
        inputs=cpython.inputs(target.arch),
        files=(*_tools(target, cpython), *cpython.files(_definition(cpython, "standard_build"))),
        steps=(
            *_ready(target, parents),
            # Nothing is installed there, but python-build ends by looking into the folder.
            Step("make prefix", ("mkdir", "-p", prefix)),
            cpython.compile(f"train CPython {cpython.version}", prefix, training, env),
            Step("take profile", ("cp", f"{tree}/code.profclangd", f"{WORK}/{PROFILE}")),
        ),
        output=PROFILE,
        parents=parents,
        compiles=True,
    )


def cross_compile(
    cpython: CPython,
    target: CrossCompiler,
    parents: tuple[Stage, ...],
    *,
    optimize: bool,
    profile: bytes | None,
    prt_root: PurePosixPath,
) -> Stage:
    """Plan the interpreter of one target. `parents` are its libraries, the build Python, and the training if it is
    optimised without a kept `profile`.
    """
    return Stage(
        name="interpreter",
        inputs={**cpython.inputs(target.arch), "prt_root": str(prt_root)},
        files=(
            *_tools(target, cpython),
            *((File(PROFILE, profile),) if profile else ()),
            *((_PROFILE_USE,) if optimize else ()),
            SPLIT_SYMBOLS,
            *cpython.files(_definition(cpython)),
        ),
        steps=(
            *cpython.prove_patches(),
            *_ready(target, parents),
            cpython.compile(
                f"compile CPython {cpython.version} for {target.arch.value}" + (" (PGO, LTO)" if optimize else ""),
                str(prt_root),
                (*options(target, cpython), *((LINK_TIME_OPTIMIZATION,) if optimize else ())),
                environment(target, cpython, OPTIMIZED if optimize else ()),
            ),
            *((_profile_use(cpython),) if optimize else ()),
            *cpython.keep_sbom(str(prt_root)),
            *keep_licenses(cpython, prt_root, libraries=True),
            *_links(cpython, prt_root),
            _plain_words(target, prt_root),
            *one_openssl(cpython, target, prt_root),
            *add_tk(cpython, target, prt_root),
            *libpython.shared_library(cpython, target, prt_root),
            *split_symbols(cpython, prt_root),
            without_bytecode(str(prt_root)),
            pack("pack interpreter", str(prt_root), OUTPUT, cpython.epoch),
        ),
        output=OUTPUT,
        parents=parents,
        compiles=True,
        acceptance=plan_acceptance(cpython, prt_root),
    )


def _links(cpython: CPython, prt_root: PurePosixPath) -> Iterator[Step]:
    """The interpreter's other names. Of a flavour, CPython installs `python3.14` as a second file with the program."""
    plain = f"python{minor(cpython.version)}"
    if cpython.binary != plain:
        yield Step(f"link {plain}", ("ln", "-sf", cpython.binary, f"{prt_root}/bin/{plain}"))
    yield Step("link python", ("ln", "-sf", "python3", f"{prt_root}/bin/python"))


def _tools(target: CrossCompiler, cpython: CPython) -> tuple[File, ...]:
    return (*target.files, probes.dtrace(build_python(cpython)), *HEADERS)


def _ready(target: CrossCompiler, parents: tuple[Stage, ...]) -> tuple[Step, ...]:
    """Unpack what the parents made."""
    return (
        *target.steps,
        *unpack_libraries(parents),
        *unpack_python(_BUILD_PYTHON),
    )


def _profile_use(cpython: CPython) -> Step:
    """Configure sets no profile flag where it does not know the compiler, and prints no message: so we check."""
    return Step(
        "check use of the profile",
        (build_python(cpython), "-I", "-B", f"{WORK}/{_PROFILE_USE.name}", f"{WORK}/tmp"),
        shows_output=True,
        hint="the profile is of another version or of no use: `nox -s train` makes one",
    )


def _plain_words(target: CrossCompiler, prt_root: PurePosixPath) -> Step:
    """Put plain tools and no path of this machine into what CPython remembers of its build, for building extensions."""
    words = {
        f"{target.compiler}[+][+]": "c++",
        target.compiler: "cc",
        probes.PROGRAM: "dtrace",
        **{llvm(tool): tool for tool in ("ar", "ranlib", "nm", "strip", "objdump", "readelf", "profdata")},
        f" *-(I|L|ffile-prefix-map=|fprofile-instr-use=){WORK}[^ '\"]*": "",
        " *-Wprofile-instr-[a-z-]*": "",
        f" *(-Wl,)?-mllvm[ ,]({'|'.join(LLVM_OPTIONS)})": "",
        f"{WORK}/build-python/bin/": "",
        WORK: "/usr/src",
    }
    edits = (f"--expression=s#{old}#{new}#g" for old, new in words.items())
    # The two of JSON came with 3.14.
    names = ("_sysconfigdata_*.py", "_sysconfig_vars_*.json", "build-details.json", "Makefile", "*.pc")
    _, *remembered = (word for name in names for word in ("-o", "-name", name))
    args = ("find", f"{prt_root}/lib", "(", *remembered, ")", "-exec", "sed", "--in-place", "-E", *edits, "{}", "+")
    return Step("name plain tools", args)
