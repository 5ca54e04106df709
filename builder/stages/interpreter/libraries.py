"""The libraries stage: what CPython's modules link against, compiled from source, static, its symbols hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from builder.errors import UserError
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter.compiler import DEPS, TOOLS, CrossTarget, other_name
from builder.stages.interpreter.sqlite import DEFINES
from builder.stages.stage import JOBS, WORK, File, Stage, Step, pack
from builder.targets import Arch

OUTPUT = "libraries.tgz"

# A neutral place for a private openssl.cnf: the distribution's own may be of another version and break ours.
# Certificates are found where the distribution has them: recipes/libraries/openssl.
OPENSSL_FOLDER = "/etc/prt/ssl"

_MAKE = ("make", f"-j{JOBS}")
_ZSTD = "-DZSTD_MULTITHREAD -DZSTDLIB_VISIBLE= -DZSTDERRORLIB_VISIBLE= -DZDICTLIB_VISIBLE="


def libraries(
    target: CrossTarget,
    sources: Mapping[str, Source],
    patches: Mapping[str, tuple[RecipeFile, ...]],
    *,
    builds_on: Arch,
    toolchain: str,
    epoch: int,
) -> Stage:
    """Plan the static libraries of one architecture, each from its pinned source with the recipe's patches."""
    recipes = _Recipes(target, builds_on)
    steps = [*target.steps]
    files = [*target.files, File("openssl-buildinf.h", _buildinf(target))]
    unknown = {*sources, *patches} - {name for name in vars(_Recipes) if not name.startswith("_")}
    if unknown:
        raise UserError(
            f"recipes/pins.toml or recipes/libraries: no way to build {', '.join(sorted(unknown))}", "mend its name"
        )
    for name, source in sources.items():
        files.append(File(f"sources/{source.file}", source))
        folder = f"--one-top-level={WORK}/build/{name}"
        archive = f"--file={WORK}/sources/{source.file}"
        steps.append(Step(f"unpack {name}", ("tar", "--extract", archive, folder, "--strip-components=1")))
        for patch in patches.get(name, ()):
            files.append(File(f"patches/{name}/{patch.name}", patch.content))
            apply = ("patch", "-p1", "--force", f"--input={WORK}/patches/{name}/{patch.name}")
            hint = f"recipes/libraries/{name}/{patch.name} does not fit {name} {source.version}"
            steps.append(Step(f"patch {name} {patch.name}", apply, cwd=f"{WORK}/build/{name}", hint=hint))
        steps += recipes.steps(name)
    steps.append(pack("pack libraries", DEPS, OUTPUT, epoch))
    inputs = {"arch": target.arch.value, "toolchain": toolchain}
    return Stage("libraries", inputs, tuple(files), tuple(steps), OUTPUT, compiles=True)


def _buildinf(target: CrossTarget) -> bytes:
    """What OpenSSL keeps as text in place of the compiler's command line, which has paths of the build machine."""
    return (
        f'#define PLATFORM "platform: {target.triple}"\n'
        '#define DATE "built on: reproducible build"\n'
        'static const char compiler_flags[] = "compiler: clang";\n'
    ).encode()


class _Recipes:
    """How each library is built: one method a library."""

    def __init__(self, target: CrossTarget, builds_on: Arch) -> None:
        self.target = target
        self.cross = (f"--build={other_name(builds_on)}", f"--host={target.triple}", f"--prefix={DEPS}")
        self.static = (*self.cross, "--disable-shared", "--enable-static", "--with-pic")
        self.env = {
            **target.env,
            "CC_FOR_BUILD": f"{TOOLS}/build-clang",
            "BUILD_CC": f"{TOOLS}/build-clang",
            "CFLAGS": target.library_flags,
            "CPPFLAGS": f"-I{DEPS}/include",
            "LDFLAGS": f"-L{DEPS}/lib",
            "PKG_CONFIG_LIBDIR": f"{DEPS}/lib/pkgconfig",
        }

    def steps(self, name: str) -> Iterator[Step]:
        """The steps of one library, numbered."""
        commands: Iterator[tuple[str, ...]] = getattr(self, name)()
        for number, args in enumerate(commands, 1):
            yield Step(
                f"{name} {number}: {PurePosixPath(args[0]).name}", args, self.env_of(name), cwd=f"{WORK}/build/{name}"
            )

    def env_of(self, name: str) -> dict[str, str]:
        """OpenSSL and CPPFLAGS, LDFLAGS: it would keep them; zstd's makefile takes its switches from CPPFLAGS."""
        if name == "openssl":
            return {key: value for key, value in self.env.items() if key not in ("CPPFLAGS", "LDFLAGS")}
        if name == "zstd":
            return {**self.env, "CPPFLAGS": f"{self.env['CPPFLAGS']} {_ZSTD}"}
        if name == "zlib":
            return {**self.env, "CHOST": self.target.triple}
        if name == "ncurses":  # D: without dates; by itself it asks ar for them, and no two archives are the same
            return {**self.env, "cf_cv_ar_flags": "-curvD"}
        return self.env

    def zlib(self) -> Iterator[tuple[str, ...]]:
        yield ("./configure", "--static", f"--prefix={DEPS}")
        yield (*_MAKE, "libz.a")
        yield _install("include", "zlib.h", "zconf.h")
        yield _install("lib", "libz.a")

    def bzip2(self) -> Iterator[tuple[str, ...]]:
        flags = f"CFLAGS={self.target.library_flags} -D_FILE_OFFSET_BITS=64"
        tools = (f"{name}={self.env[name]}" for name in ("CC", "AR", "RANLIB"))
        yield (*_MAKE, "libbz2.a", *tools, flags)
        yield _install("include", "bzlib.h")
        yield _install("lib", "libbz2.a")

    def xz(self) -> Iterator[tuple[str, ...]]:
        no = "xz xzdec lzmadec lzmainfo lzma-links scripts doc nls microlzma lzip-decoder".split()
        yield ("./configure", *self.static, *(f"--disable-{name}" for name in no))
        yield (*_MAKE, "-C", "src/liblzma", "install")

    def zstd(self) -> Iterator[tuple[str, ...]]:
        yield (*_MAKE, "-C", "lib", "libzstd.a", "ZSTD_LEGACY_SUPPORT=0", f"PREFIX={DEPS}")
        yield _install("include", "lib/zstd.h", "lib/zstd_errors.h", "lib/zdict.h")
        yield _install("lib", "lib/libzstd.a")

    def libffi(self) -> Iterator[tuple[str, ...]]:
        # The tag's own tree has no configure script.
        yield ("autoreconf", "--force", "--install")
        yield ("./configure", *self.static, "--disable-docs", "--disable-multi-os-directory")
        yield _MAKE
        yield ("make", "install")

    def libuuid(self) -> Iterator[tuple[str, ...]]:
        disabled = "all-programs nls asciidoc poman bash-completion year2038".split()
        without = "python systemd udev tinfo ncurses ncursesw".split()
        options = (*(f"--disable-{name}" for name in disabled), *(f"--without-{name}" for name in without))
        # The folders it looks into at run time; below the prefix by default.
        places = ("--localstatedir=/var", "--runstatedir=/run")
        yield ("./configure", *self.static, "--enable-libuuid", *options, *places)
        yield (*_MAKE, "libuuid.la")
        yield ("make", "install-usrlib_execLTLIBRARIES", "install-uuidincHEADERS", "install-pkgconfigDATA")

    def sqlite(self) -> Iterator[tuple[str, ...]]:
        # Debian's tarball is the full tree: the amalgamation is made here, by programs of the build machine.
        native = ("env", "-u", "CXX", "-u", "CFLAGS", "-u", "CPPFLAGS", "-u", "LDFLAGS", f"CC={TOOLS}/build-clang")
        yield (*native, "./configure", "--disable-tcl", "--disable-readline", "--disable-shared")
        yield (*native, *_MAKE, "sqlite3.c", f"OPTS={' '.join(DEFINES)}")
        flags = self.target.library_flags.split()
        yield (self.target.compiler, *flags, *DEFINES, "-c", "sqlite3.c", "-o", "runtime-sqlite3.o")
        yield (self.env["AR"], "rcsD", f"{DEPS}/lib/libsqlite3.a", "runtime-sqlite3.o")
        yield _install("include", "sqlite3.h", "src/sqlite3ext.h")

    def ncurses(self) -> Iterator[tuple[str, ...]]:
        without = "shared debug ada cxx cxx-binding manpages progs tests tack".split()
        yield (
            "./configure", *self.cross, f"--with-build-cc={TOOLS}/build-clang", "--with-build-cflags=-O1",
            "--with-normal", *(f"--without-{name}" for name in without), "--enable-widec", "--disable-db-install",
            "--disable-stripping", "--with-default-terminfo-dir=/usr/share/terminfo",
            "--with-terminfo-dirs=/etc/terminfo:/lib/terminfo:/usr/share/terminfo", "--enable-const",
            "--enable-symlinks", "--enable-sigwinch", "--disable-root-environ", "--with-versioned-syms=no",
        )  # fmt: skip
        yield (*_MAKE, "-C", "include")
        yield (*_MAKE, "-C", "ncurses", "libs")
        yield (*_MAKE, "-C", "panel", "libs")
        for part in ("include", "ncurses", "panel"):
            yield ("make", "-C", part, "install")
        yield ("ln", "-sf", "libncursesw.a", f"{DEPS}/lib/libncurses.a")

    def libedit(self) -> Iterator[tuple[str, ...]]:
        yield (
            "./configure",
            *self.static,
            "--disable-examples",
            f"CPPFLAGS=-I{DEPS}/include -I{DEPS}/include/ncursesw",
        )
        yield (*_MAKE, "-C", "src")
        yield ("make", "-C", "src", "install")

    def readline(self) -> Iterator[tuple[str, ...]]:
        yield ("./configure", *self.cross, "--disable-shared", "--disable-install-examples", "--with-curses")
        yield (*_MAKE, "static")
        yield ("make", "install-headers", "install-static")

    def openssl(self) -> Iterator[tuple[str, ...]]:
        system = {Arch.AMD64: "linux-x86_64", Arch.ARM64: "linux-aarch64"}[self.target.arch]
        no = "shared module dso engine tests docs apps".split()
        # A prefix that says nothing of the build machine; what is installed there is moved to its place.
        prefix = "/usr/lib/runtime-openssl"
        yield (
            "./Configure", system, f"--prefix={prefix}", "--libdir=lib", f"--openssldir={OPENSSL_FOLDER}",
            *(f"no-{name}" for name in no), "enable-ec_nistp_64_gcc_128",
        )  # fmt: skip
        yield ("make", "crypto/buildinf.h")
        yield ("cp", f"{WORK}/openssl-buildinf.h", "crypto/buildinf.h")
        yield (*_MAKE, "build_libs")
        yield ("make", "install_dev", f"DESTDIR={WORK}/build/openssl/installed")
        yield ("cp", "-a", f"installed{prefix}/include/.", f"{DEPS}/include/")
        yield ("cp", "-a", f"installed{prefix}/lib/.", f"{DEPS}/lib/")


def _install(folder: str, *files: str) -> tuple[str, ...]:
    return ("install", "-m644", "-t", f"{DEPS}/{folder}", *files)
