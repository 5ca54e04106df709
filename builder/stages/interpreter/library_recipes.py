"""How each library is built: its commands, and the variables it needs besides those that all get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.stages.interpreter.compiler import DEPS, TOOLS
from builder.stages.interpreter.library import MAKE, Command, LibraryRecipe, Toolset, install
from builder.stages.interpreter.sqlite import DEFINES
from builder.stages.interpreter.tk_recipes import TK_RECIPES
from builder.stages.stage import WORK, File
from builder.targets import Arch

# A neutral place for a private openssl.cnf: the distribution's own may be of another version and break ours.
# Certificates are found where the distribution has them: recipes/libraries/openssl.
OPENSSL_FOLDER = "/etc/prt/ssl"
# A header with the text that OpenSSL keeps in place of the compiler's command line.
_OPENSSL_BUILDINF = "openssl-buildinf.h"

# Terminals that ncurses knows where the system has no description of them, 10 kB each: a minimal container has none at
# all, an older distribution not those of the last line.
_TERMINALS = (
    "ansi", "dumb", "linux", "vt100", "vt220", "xterm", "xterm-color", "xterm-256color", "screen", "screen-256color",
    "tmux", "tmux-256color", "alacritty", "foot",
)  # fmt: skip


def _zlib(tools: Toolset) -> Iterator[Command]:
    yield ("./configure", "--static", f"--prefix={DEPS}")
    yield (*MAKE, "libz.a")
    yield install("include", "zlib.h", "zconf.h")
    yield install("lib", "libz.a")


def _bzip2(tools: Toolset) -> Iterator[Command]:
    flags = f"CFLAGS={tools.target.library_flags} -D_FILE_OFFSET_BITS=64"
    programs = (f"{name}={tools.env[name]}" for name in ("CC", "AR", "RANLIB"))
    yield (*MAKE, "libbz2.a", *programs, flags)
    yield install("include", "bzlib.h")
    yield install("lib", "libbz2.a")


def _xz(tools: Toolset) -> Iterator[Command]:
    no = "xz xzdec lzmadec lzmainfo lzma-links scripts doc nls microlzma lzip-decoder".split()
    yield ("./configure", *tools.static, *(f"--disable-{name}" for name in no))
    yield (*MAKE, "-C", "src/liblzma", "install")


def _zstd(tools: Toolset) -> Iterator[Command]:
    yield (*MAKE, "-C", "lib", "libzstd.a", "ZSTD_LEGACY_SUPPORT=0", f"PREFIX={DEPS}")
    yield install("include", "lib/zstd.h", "lib/zstd_errors.h", "lib/zdict.h")
    yield install("lib", "lib/libzstd.a")


def _libffi(tools: Toolset) -> Iterator[Command]:
    # The tag's own tree has no configure script.
    yield ("autoreconf", "--force", "--install")
    yield ("./configure", *tools.static, "--disable-docs", "--disable-multi-os-directory")
    yield MAKE
    yield ("make", "install")


def _libuuid(tools: Toolset) -> Iterator[Command]:
    disabled = "all-programs nls asciidoc poman bash-completion year2038".split()
    without = "python systemd udev tinfo ncurses ncursesw".split()
    options = (*(f"--disable-{name}" for name in disabled), *(f"--without-{name}" for name in without))
    # The folders it looks into at run time; below the prefix by default.
    places = ("--localstatedir=/var", "--runstatedir=/run")
    yield ("./configure", *tools.static, "--enable-libuuid", *options, *places)
    yield (*MAKE, "libuuid.la")
    yield ("make", "install-usrlib_execLTLIBRARIES", "install-uuidincHEADERS", "install-pkgconfigDATA")


def _sqlite(tools: Toolset) -> Iterator[Command]:
    # Debian's tarball is the full tree: the amalgamation is made here, by programs of the build machine.
    native = ("env", "-u", "CXX", "-u", "CFLAGS", "-u", "CPPFLAGS", "-u", "LDFLAGS", f"CC={TOOLS}/build-clang")
    yield (*native, "./configure", "--disable-tcl", "--disable-readline", "--disable-shared")
    yield (*native, *MAKE, "sqlite3.c", f"OPTS={' '.join(DEFINES)}")
    flags = tools.target.library_flags.split()
    yield (tools.target.compiler, *flags, *DEFINES, "-c", "sqlite3.c", "-o", "runtime-sqlite3.o")
    yield (tools.env["AR"], "rcsD", f"{DEPS}/lib/libsqlite3.a", "runtime-sqlite3.o")
    yield install("include", "sqlite3.h", "src/sqlite3ext.h")


def _ncurses(tools: Toolset) -> Iterator[Command]:
    without = "shared debug ada cxx cxx-binding manpages progs tests tack".split()
    yield (
        "./configure", *tools.cross, f"--with-build-cc={TOOLS}/build-clang", "--with-build-cflags=-O1",
        "--with-normal", *(f"--without-{name}" for name in without), "--enable-widec", "--disable-db-install",
        "--disable-stripping", "--with-default-terminfo-dir=/usr/share/terminfo",
        "--with-terminfo-dirs=/etc/terminfo:/lib/terminfo:/usr/share/terminfo", "--enable-const",
        "--enable-symlinks", "--enable-sigwinch", "--disable-root-environ", "--with-versioned-syms=no",
        # Compiled from its own source of them, by the build machine's tic.
        f"--with-fallbacks={','.join(_TERMINALS)}",
    )  # fmt: skip
    yield (*MAKE, "-C", "include")
    yield (*MAKE, "-C", "ncurses", "libs")
    yield (*MAKE, "-C", "panel", "libs")
    for part in ("include", "ncurses", "panel"):
        yield ("make", "-C", part, "install")
    yield ("ln", "-sf", "libncursesw.a", f"{DEPS}/lib/libncurses.a")


def _libedit(tools: Toolset) -> Iterator[Command]:
    yield (
        "./configure",
        *tools.static,
        "--disable-examples",
        f"CPPFLAGS=-I{DEPS}/include -I{DEPS}/include/ncursesw",
    )
    yield (*MAKE, "-C", "src")
    yield ("make", "-C", "src", "install")


def _readline(tools: Toolset) -> Iterator[Command]:
    yield ("./configure", *tools.cross, "--disable-shared", "--disable-install-examples", "--with-curses")
    yield (*MAKE, "static")
    yield ("make", "install-headers", "install-static")


def _gdbm(tools: Toolset) -> Iterator[Command]:
    yield ("./configure", *tools.static, "--disable-nls", "--without-readline")
    yield (*MAKE, "-C", "src")
    yield ("make", "-C", "src", "install")


def _openssl(tools: Toolset) -> Iterator[Command]:
    system = {Arch.AMD64: "linux-x86_64", Arch.ARM64: "linux-aarch64"}[tools.target.arch]
    no = "shared module dso engine tests docs apps".split()
    # A prefix that says nothing of the build machine; what is installed there is moved to its place.
    prefix = "/usr/lib/runtime-openssl"
    yield (
        "./Configure", system, f"--prefix={prefix}", "--libdir=lib", f"--openssldir={OPENSSL_FOLDER}",
        *(f"no-{name}" for name in no), "enable-ec_nistp_64_gcc_128",
    )  # fmt: skip
    yield ("make", "crypto/buildinf.h")
    yield ("cp", f"{WORK}/{_OPENSSL_BUILDINF}", "crypto/buildinf.h")
    yield (*MAKE, "build_libs")
    yield ("make", "install_dev", f"DESTDIR={WORK}/build/openssl/installed")
    yield ("cp", "-a", f"installed{prefix}/include/.", f"{DEPS}/include/")
    yield ("cp", "-a", f"installed{prefix}/lib/.", f"{DEPS}/lib/")


def _openssl_files(tools: Toolset) -> tuple[File, ...]:
    """What it keeps as text in place of the compiler's command line, which has paths of the build machine."""
    text = (
        f'#define PLATFORM "platform: {tools.target.triple}"\n'
        '#define DATE "built on: reproducible build"\n'
        'static const char compiler_flags[] = "compiler: clang";\n'
    )
    return (File(_OPENSSL_BUILDINF, text.encode()),)


_ZSTD = "-DZSTD_MULTITHREAD -DZSTDLIB_VISIBLE= -DZSTDERRORLIB_VISIBLE= -DZDICTLIB_VISIBLE="

RECIPES: Mapping[str, LibraryRecipe] = {
    "zlib": LibraryRecipe(_zlib, ("LICENSE",), more=lambda tools: {"CHOST": tools.target.triple}),
    "bzip2": LibraryRecipe(_bzip2, ("LICENSE",)),
    "xz": LibraryRecipe(_xz, ("COPYING", "COPYING.0BSD")),
    # Its makefile takes its switches from CPPFLAGS.
    "zstd": LibraryRecipe(_zstd, ("LICENSE",), more=lambda tools: {"CPPFLAGS": f"{tools.env['CPPFLAGS']} {_ZSTD}"}),
    "libffi": LibraryRecipe(_libffi, ("LICENSE",)),
    "libuuid": LibraryRecipe(_libuuid, ("libuuid/COPYING", "Documentation/licenses/COPYING.BSD-3-Clause")),
    "sqlite": LibraryRecipe(_sqlite, ("LICENSE.md",)),
    # D: without dates; by itself it asks ar for them, and no two archives are the same.
    "ncurses": LibraryRecipe(_ncurses, ("COPYING",), more=lambda tools: {"cf_cv_ar_flags": "-curvD"}),
    "libedit": LibraryRecipe(_libedit, ("COPYING",), needs=("ncurses",)),
    "readline": LibraryRecipe(_readline, ("COPYING",), needs=("ncurses",)),
    "gdbm": LibraryRecipe(_gdbm, ("COPYING",)),
    # It would keep them.
    "openssl": LibraryRecipe(_openssl, ("LICENSE.txt",), without=("CPPFLAGS", "LDFLAGS"), files=_openssl_files),
    **TK_RECIPES,
}
