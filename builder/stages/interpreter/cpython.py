"""Compiling CPython with python-build: the files it needs, the recipe's patches, and the step that runs it."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, replace

from builder.inputs.git import NO_DATE
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.sources.python_build import PythonBuild
from builder.stages.interpreter.own_patches import FOLDER
from builder.stages.stage import JOBS, WORK, File, Step, unpack
from builder.targets import Arch
from builder.versions import branch, flags, is_debug, series, without_flags

# The library of decimal comes with CPython's source. From 3.15 on, configure takes that copy only if this asks for it,
# and leaves `_decimal` out where the system has none.
_OWN_LIBMPDEC = "--with-system-libmpdec=no"
# The program is linked from the objects. An archive of them would be of use to one version of one compiler only.
NO_ARCHIVE = "--without-static-libpython"

VENDORED = "share/sbom/cpython.spdx.json"

_PYTHON_BUILD = "python-build"
_DEFINITIONS = f"{_PYTHON_BUILD}/share/python-build"
_PATCH = ("patch", "-p1", "--force")


@dataclass(frozen=True)
class CPython:
    """One version of CPython's source with the recipe's patches, each named by its path in the repository, and what
    compiles it.

    `toolchain` is the fingerprint of the compilers, `builds_on` the architecture they run on. `line_editor` is
    `libedit` or `readline`. `jit` builds the JIT in, switched off, `gdbm` the module `dbm.gnu`, and `tk` `tkinter`.
    """

    version: str
    python_build: PythonBuild
    patches: tuple[RecipeFile, ...]
    toolchain: str
    builds_on: Arch
    line_editor: str
    jit: bool = False
    gdbm: bool = False
    tk: bool = False

    @property
    def source(self) -> Source:
        """Its tarball."""
        return self.python_build.source(self.version)

    @property
    def package(self) -> str:
        """`Python-3.13.5`, as python-build and the tarball call it, for 3.13.5 and 3.13.5t."""
        return f"Python-{without_flags(self.version)}"

    @property
    def binary(self) -> str:
        """The interpreter's file name, such as `python3.13`."""
        return f"python{self.branch}"

    @property
    def branch(self) -> str:
        """Series and flavour, such as `3.13t`."""
        return branch(self.version)

    @property
    def release(self) -> CPython:
        """The same, but no debug build: python-build knows only that name, and CPython's folders have it."""
        return replace(self, version=self.version.removesuffix("d"))

    def module(self, name: str, triple: str) -> str:
        """The file of one of its extension modules, below its prefix."""
        major, second = series(self.version)
        folder = f"lib/{self.release.binary}/lib-dynload"
        return f"{folder}/{name}.cpython-{major}{second}{flags(self.version)}-{triple}.so"

    @property
    def optional_modules(self) -> dict[str, bool]:
        """The extension modules that settings bring, and whether they do."""
        return {"_gdbm": self.gdbm, "_tkinter": self.tk}

    @property
    def options(self) -> tuple[str, ...]:
        """What configure gets, however this is compiled."""
        debug = ("--with-pydebug",) if is_debug(self.version) else ()
        return (_OWN_LIBMPDEC, NO_ARCHIVE, *debug, *(("--enable-experimental-jit=yes-off",) if self.jit else ()))

    @property
    def epoch(self) -> int:
        """The date of the release, in seconds since 1970: the date its files and its banner get."""
        released = self.source.released
        return calendar.timegm(released.timetuple()) if released else NO_DATE

    def inputs(self, arch: Arch) -> dict[str, str]:
        """What of this is in a stage's key besides files and steps."""
        return {"version": self.version, "arch": arch.value, "toolchain": self.toolchain}

    def files(self, definitions: Mapping[str, str]) -> list[File]:
        """python-build, the definitions it is to follow, the source tarball and all patches."""
        release = self.release.version
        files = [
            File(f"sources/{self.package}.tar.xz", self.source),
            File(f"{_PYTHON_BUILD}/bin/python-build", self.python_build.script, executable=True),
            *(File(f"{_DEFINITIONS}/{name}", text.encode()) for name, text in definitions.items()),
            *(File(f"{_DEFINITIONS}/patches/{name}", text) for name, text in self.python_build.patches(release)),
        ]
        if self.patches:
            # python-build joins the files of this folder in name order, and strips one path level if a line says
            # "diff --git a/"; ours are written that way, and so must the whole be.
            own = f"{_DEFINITIONS}/patches/{release}/{self.package}/zz"
            files.append(File(f"{own}-0000", b"diff --git a/ b/\n"))
            files += [File(f"{own}-{number:04}", patch.content) for number, patch in enumerate(self.patches, 1)]
            files += [File(patch.name, patch.content) for patch in self.patches]
        return files

    def prove_patches(self) -> list[Step]:
        """Apply each patch to a scratch copy, so that a failing one names itself; python-build applies them as one.

        Our own alone need no trial: they fit every pinned version.
        """
        if all(patch.name.startswith(FOLDER) for patch in self.patches):
            return []
        apply = [
            Step(
                f"patch {patch.name}",
                (*_PATCH, f"--directory={WORK}/scratch/{self.package}", f"--input={WORK}/{patch.name}"),
                hint=f"{patch.name} does not fit this version of CPython",
            )
            for patch in self.patches
        ]
        scratch = Step("make scratch folder", ("mkdir", "-p", f"{WORK}/scratch"))
        return [scratch, unpack("unpack source", f"sources/{self.package}.tar.xz", f"{WORK}/scratch"), *apply]

    def keep_sbom(self, prt_root: str) -> list[Step]:
        """Keep CPython's own list of what was copied into its source; it has one since 3.12."""
        if series(self.version) < (3, 12):
            return []
        listed, kept = f"{WORK}/build/{self.package}/Misc/sbom.spdx.json", f"{prt_root}/{VENDORED}"
        return [Step("keep CPython's SBOM", ("install", "-D", "--mode=644", listed, kept))]

    def compile(self, name: str, prefix: str, options: tuple[str, ...], env: Mapping[str, str]) -> Step:
        """Run python-build. `options` go to configure; none of them may hold a blank. The source tree is kept."""
        return Step(
            name,
            (f"{WORK}/{_PYTHON_BUILD}/bin/python-build", "--verbose", "--keep", self.release.version, prefix),
            {
                "PYTHON_CONFIGURE_OPTS": " ".join(options),
                "PYTHON_BUILD_CACHE_PATH": f"{WORK}/sources",
                "PYTHON_BUILD_BUILD_PATH": f"{WORK}/build",
                "PYTHON_BUILD_SKIP_MIRROR": "1",
                "MAKE_OPTS": f"-j{JOBS}",
                # Bytecode is made once, at the end of all. Asked for help, compileall makes none.
                "PYTHON_MAKE_INSTALL_OPTS": "COMPILEALL_OPTS=-h",
                "SOURCE_DATE_EPOCH": str(self.epoch),
                **env,
            },
            hint="the log has the compiler's messages",
        )


def without_bytecode(folder: str) -> Step:
    """Remove the bytecode of a tree: the runtime stage makes it again, once, reproducibly."""
    return Step("remove bytecode", ("find", folder, *"-name __pycache__ -prune -exec rm -r {} +".split()))
