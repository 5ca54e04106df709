"""What CPython's configure gets for a target: options, tools, flags, libraries, and what it can't find out itself."""

from __future__ import annotations

from pathlib import Path

from builder.stages.interpreter import modules, probes
from builder.stages.interpreter.compiler import DEPS, CrossCompiler, llvm, other_name
from builder.stages.interpreter.cpython import CPython
from builder.stages.stage import WORK, File
from builder.targets import Arch

PROFILE = "python.profdata"

BUILD_PREFIX = f"{WORK}/build-python"


# Options of LLVM's code generator, at compile time and in the linker's LTO.
LLVM_OPTIONS = (
    # clang 19 merges CPython's computed gotos into one jump without this.
    "-tail-dup-pred-size=5000",
    # CPython allows 10,000 calls of C functions in each other, on a stack of 8 MB. With a function of large buffers
    # inlined, one that calls itself needs more: pickling what is nested that deep crashed, in place of RecursionError.
    "-inline-max-stacksize=256",
)
# The libraries' symbols stay inside the module that uses them: a package may bring its own copy. What nothing in the
# module uses is left out.
LINKER = (
    "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack", "-Wl,--exclude-libs,ALL", "-Wl,--as-needed",
    "-Wl,--gc-sections",
    # What the compiler calls for 128-bit numbers comes along, too: one library less to find and to load at start-up.
    "-static-libgcc",
)  # fmt: skip
OPTIMIZED = (
    *(word for option in LLVM_OPTIONS for word in ("-mllvm", option)), f"-fprofile-instr-use={WORK}/{PROFILE}",
    # inside/profile_use.py counts what these say.
    "-Wprofile-instr-unprofiled", "-Wprofile-instr-out-of-date", "-Wprofile-instr-missing",
)  # fmt: skip

# One set of objects makes the program and libpython. A library that is loaded at start-up, as that is, may find a
# thread's state without a call; with the usual model of libraries, the program was 2 % slower.
_LIBRARY_TOO = ("-fPIC", "-ftls-model=initial-exec")

# Every processor works at it; the full kind makes no faster program (benchmarks/README.md), and takes one processor.
LINK_TIME_OPTIMIZATION = "--with-lto=thin"

# Functions and names that the C library may lack, in headers for CPython's own files, and the answers that say so:
# configure looks for symbols of the C library only.
HEADERS = tuple(
    File(f"include/{path.name}", path.read_bytes()) for path in sorted(Path(__file__).with_name("include").glob("*.h"))
)
_IN_HEADER = {"ac_cv_func_close_range": "yes"}

# What configure can find out only by running a program of the target, and why the answer is right for Linux.
_ANSWERS = {
    "ac_cv_buggy_getaddrinfo": "no",  # a bug of systems long gone; `yes` would disable IPv6
    "ac_cv_file__dev_ptmx": "yes",  # every Linux has it
    "ac_cv_file__dev_ptc": "no",  # AIX only
    "ac_cv_broken_sem_getvalue": "no",  # glibc's works
    "ac_cv_aligned_required": "no",  # neither architecture traps on unaligned access
    "ac_cv_working_tzset": "yes",  # glibc's works; without it time.tzset is missing
    "ac_cv_pthread": "yes",  # part of the C library
    "ac_cv_pthread_system_supported": "yes",  # the scheduling scope every Linux has
    "ac_cv_ffi_complex_double_supported": "yes",  # libffi passes complex numbers on both; ctypes of 3.14 asks
}
_LINE_EDITORS = {"libedit": "editline", "readline": "readline"}  # our names, configure's names
_WCHAR_T_SIGNED = {Arch.AMD64: "yes", Arch.ARM64: "no"}  # by each architecture's C calling convention


def build_python(cpython: CPython) -> str:
    """The build machine's own interpreter, where another is compiled: never a debug build."""
    return f"{BUILD_PREFIX}/bin/{cpython.release.binary}"


def options(target: CrossCompiler, cpython: CPython) -> tuple[str, ...]:
    """The options of configure."""
    return (
        f"--build={other_name(cpython.builds_on)}", f"--host={target.triple}",
        f"--with-build-python={build_python(cpython)}",
        "--disable-shared", "--without-ensurepip", f"--with-openssl={DEPS}", "--with-openssl-rpath=no",
        f"--with-readline={_LINE_EDITORS[cpython.line_editor]}", f"--with-dbmliborder={'gdbm' if cpython.gdbm else ''}",
        "--with-computed-gotos=yes",
        "--enable-loadable-sqlite-extensions", "--with-pkg-config=no", probes.OPTION,
        *cpython.options,
    )  # fmt: skip


def environment(target: CrossCompiler, cpython: CPython, optimized: tuple[str, ...]) -> dict[str, str]:
    """Tools, flags and libraries; `optimized` are more compiler flags.

    With both *_CFLAGS and *_LIBS of a library set, configure asks no pkg-config.
    """
    include, lib = f"-I{DEPS}/include", f"-L{DEPS}/lib"
    curses = f"{include} -I{DEPS}/include/ncursesw"
    libraries = {
        "ZLIB": (include, "-lz"),
        "BZIP2": (include, "-lbz2"),
        "LIBLZMA": (include, "-llzma -lpthread"),
        "LIBZSTD": (include, "-lzstd -lpthread"),
        "LIBFFI": (include, "-lffi"),
        "LIBSQLITE3": (include, "-lsqlite3 -lm -ldl -lpthread"),
        "LIBUUID": (f"{include} -I{DEPS}/include/uuid", "-luuid"),
        "LIBEDIT": (curses, "-ledit -lncursesw"),
        "LIBREADLINE": (curses, "-lreadline -lncursesw"),
        "CURSES": (curses, "-lncursesw"),
        "PANEL": (curses, "-lpanelw -lncursesw"),
        **({"GDBM": (include, "-lgdbm -lrt")} if cpython.gdbm else {}),
        **({"TCLTK": (include, "-ltcl9tk9.0 -ltcl9.0")} if cpython.tk else {}),
    }
    return {
        **target.env,
        **modules.environment(cpython),
        # Configure takes these two only with their whole path.
        "LLVM_AR": f"/usr/bin/{llvm('ar')}",
        "LLVM_PROFDATA": f"/usr/bin/{llvm('profdata')}",
        "CFLAGS_NODIST": " ".join((*target.interpreter_flags, *_LIBRARY_TOO, f"-I{WORK}/include", *optimized)),
        "LDFLAGS_NODIST": " ".join(
            (*LINKER, probes.LINKER, *(f"-Wl,-mllvm,{one}" for one in LLVM_OPTIONS if optimized))
        ),
        "PKG_CONFIG_LIBDIR": "/nonexistent",
        **{f"{name}_CFLAGS": flags for name, (flags, _) in libraries.items()},
        **{f"{name}_LIBS": f"{lib} {flags}" for name, (_, flags) in libraries.items()},
        **(_jit(cpython) if cpython.jit else {}),
        **_ANSWERS,
        **_IN_HEADER,
        **probes.ANSWERS,
        "ac_cv_wchar_t_signed": _WCHAR_T_SIGNED[target.arch],
    }


def _jit(cpython: CPython) -> dict[str, str]:
    """For the script that compiles the JIT's pieces of machine code: what runs it, and the target's headers."""
    return {"PYTHON_FOR_REGEN": build_python(cpython), "CFLAGS_JIT": f"--sysroot={WORK}/sysroot"}
