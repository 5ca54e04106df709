"""The compiler for one architecture: clang of the build machine, with the target's sysroot and hardening."""

from __future__ import annotations

from dataclasses import dataclass

from builder.inputs.pins import Sysroot
from builder.stages.stage import WORK, File, Step, unpack
from builder.targets import Arch

CLANG = "19"
TOOLS = f"{WORK}/tools"
DEPS = f"{WORK}/deps"

# Paths of the build machine must not be readable in the result.
_PREFIX_MAPS = (f"-ffile-prefix-map={DEPS}=/deps", f"-ffile-prefix-map={WORK}/build=/src")

# Profilers such as perf follow calls by them; CPython makes them its default in 3.15 (PEP 831).
_FRAME_POINTERS = ("-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer")

# CPython's makefile links all of it a second time, into a test program that nobody installs: link-time optimisation
# would cost as much again as for the interpreter.
_QUICK_LINK = 'case " $* " in *" -o Programs/_testembed "*) set -- "$@" -Wl,--lto-O0,--lto-CGO0 ;; esac\n'


@dataclass(frozen=True)
class CrossCompiler:
    """An architecture to compile for, on whatever machine builds."""

    arch: Arch
    sysroot: Sysroot

    @property
    def triple(self) -> str:
        """GNU's name of the system that is compiled for."""
        return f"{self.arch.machine}-linux-gnu"

    @property
    def compiler(self) -> str:
        """The compiler wrapper. Its *name* says clang: configure knows the compiler by the last part of CC's path."""
        return f"{TOOLS}/{self.triple}-clang"

    @property
    def hardening(self) -> tuple[str, ...]:
        """Flags that make a bug harder to exploit."""
        branches = {Arch.AMD64: "-fcf-protection", Arch.ARM64: "-mbranch-protection=standard"}[self.arch]
        return ("-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2", branches)

    @property
    def library_flags(self) -> str:
        """CFLAGS of a static library that goes into one of our shared modules, its symbols hidden."""
        flags = ("-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections")
        return " ".join((*flags, *self.hardening, *_PREFIX_MAPS))

    @property
    def interpreter_flags(self) -> tuple[str, ...]:
        """CFLAGS_NODIST of CPython: for its own files, not for extensions that users build."""
        # Debug symbols name the sysroot's headers, too. Of several maps that fit, the last one counts.
        return (*self.hardening, *_FRAME_POINTERS, f"-ffile-prefix-map={WORK}=/usr/src", *_PREFIX_MAPS)

    @property
    def files(self) -> tuple[File, ...]:
        """What the tools need: the sysroot, and the wrappers that hold target and sysroot."""
        wrappers = {
            f"{self.triple}-clang": self._wrapper("clang"),
            f"{self.triple}-clang++": self._wrapper("clang++"),
            "build-clang": f'#!/bin/sh\nexec clang-{CLANG} -fuse-ld=lld "$@"\n',
        }
        return (
            File("sysroot.tar", self.sysroot),
            *(File(f"tools/{name}", text.encode(), executable=True) for name, text in wrappers.items()),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """Set the tools up."""
        return (
            Step("make folders", ("mkdir", "-p", f"{WORK}/sysroot", f"{DEPS}/include", f"{DEPS}/lib/pkgconfig")),
            unpack("unpack sysroot", "sysroot.tar", f"{WORK}/sysroot"),
        )

    @property
    def env(self) -> dict[str, str]:
        """The variables by which configure scripts and makefiles find the tools."""
        return {
            "CC": self.compiler,
            "CXX": f"{self.compiler}++",
            **{tool.upper(): llvm(tool) for tool in ("ar", "ranlib", "nm", "strip", "objdump", "readelf")},
        }

    def _wrapper(self, program: str) -> str:
        # By its own place it finds the sysroot, wherever the work folder is.
        options = (
            f'--target={self.triple} --sysroot="${{0%/*}}/../sysroot" -fuse-ld=lld -Wno-unused-command-line-argument'
        )
        return f'#!/bin/sh\n{_QUICK_LINK}exec {program}-{CLANG} {options} "$@"\n'


def llvm(tool: str) -> str:
    """The name of one of LLVM's binary tools, of the compiler's version."""
    return f"llvm-{tool}-{CLANG}"


def other_name(arch: Arch) -> str:
    """GNU's name of the build machine. Never equal to a target's, so that configure always cross-compiles."""
    return f"{arch.machine}-pc-linux-gnu"
