"""The vocabulary of library recipes: the tools that commands are written with, and the parts of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from builder.stages.interpreter.compiler import DEPS, TOOLS, CrossCompiler, other_name
from builder.stages.stage import JOBS, File
from builder.targets import Arch

Command = tuple[str, ...]

MAKE = ("make", f"-j{JOBS}")


@dataclass(frozen=True)
class Toolset:
    """What libraries are compiled with: a cross compiler, and the machine it runs on."""

    target: CrossCompiler
    builds_on: Arch

    @property
    def cross(self) -> Command:
        """Options of a configure script that cross-compiles."""
        return (f"--build={other_name(self.builds_on)}", f"--host={self.target.triple}", f"--prefix={DEPS}")

    @property
    def static(self) -> Command:
        """The same of one made by libtool."""
        return (*self.cross, "--disable-shared", "--enable-static", "--with-pic")

    @property
    def env(self) -> dict[str, str]:
        """The variables that every library gets."""
        return {
            **self.target.env,
            "CC_FOR_BUILD": f"{TOOLS}/build-clang",
            "BUILD_CC": f"{TOOLS}/build-clang",
            "CFLAGS": self.target.library_flags,
            "CPPFLAGS": f"-I{DEPS}/include",
            "LDFLAGS": f"-L{DEPS}/lib",
            "PKG_CONFIG_LIBDIR": f"{DEPS}/lib/pkgconfig",
        }


@dataclass(frozen=True)
class LibraryRecipe:
    """`more` variables are added to those of the toolset, and `without` are taken away. It `needs` other libraries.

    `license` are the files of its source that have its terms. `files` are put into WORK besides its source. With
    `python`, the build machine's own runs scripts of it.
    """

    commands: Callable[[Toolset], Iterator[Command]]
    license: tuple[str, ...]
    more: Callable[[Toolset], Mapping[str, str]] = field(default=lambda tools: {})
    without: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    files: Callable[[Toolset], tuple[File, ...]] = field(default=lambda tools: ())
    python: bool = False

    def env(self, tools: Toolset) -> dict[str, str]:
        """The variables of every command of this library."""
        env = {**tools.env, **self.more(tools)}
        return {name: value for name, value in env.items() if name not in self.without}


def install(folder: str, *files: str) -> Command:
    """Put headers or libraries into a folder of DEPS."""
    return ("install", "-m644", "-t", f"{DEPS}/{folder}", *files)
