"""What can be built: the architectures and variants, and every spelling of them."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import Enum


class Arch(Enum):
    """A CPU architecture, named as dpkg names it."""

    AMD64 = "amd64"
    ARM64 = "arm64"

    @property
    def suffix(self) -> str:
        """The ending of session names: `runtime-x86`, `runtime-arm`."""
        return {Arch.AMD64: "x86", Arch.ARM64: "arm"}[self]

    @property
    def platform(self) -> str:
        """Docker's name: `linux/amd64`."""
        return f"linux/{self.value}"

    @property
    def machine(self) -> str:
        """The kernel's name, as `uname -m` prints it."""
        return {Arch.AMD64: "x86_64", Arch.ARM64: "aarch64"}[self]

    @classmethod
    def of(cls, machine: str) -> Arch:
        """Read any common spelling (`x86_64`, `aarch64`, `arm64`, …); ValueError for an unknown one."""
        for arch in cls:
            if machine.lower() in (arch.value, arch.machine, arch.suffix):
                return arch
        raise ValueError(f"no architecture we know: {machine!r}")

    @classmethod
    def native(cls) -> Arch:
        """The architecture of this machine."""
        return cls.of(platform.machine())


class Variant(Enum):
    """Production, or production plus the development recipe."""

    RUNTIME = "runtime"
    RUNTIME_DEV = "runtime-dev"

    @property
    def recipe_folder(self) -> str:
        """Its folder below `recipes/`."""
        return {Variant.RUNTIME: "runtime", Variant.RUNTIME_DEV: "dev"}[self]

    @property
    def package_suffix(self) -> str:
        """What its package name adds to PACKAGE_PREFIX."""
        return {Variant.RUNTIME: "", Variant.RUNTIME_DEV: "-dev"}[self]

    def package(self, prefix: str) -> str:
        """The name of its package, such as `prt-dev`."""
        return prefix + self.package_suffix

    @property
    def other(self) -> Variant:
        """The variant whose place it takes on a system."""
        return {Variant.RUNTIME: Variant.RUNTIME_DEV, Variant.RUNTIME_DEV: Variant.RUNTIME}[self]


class Format(Enum):
    """What a package is: an archive of PRT_ROOT's content, or a Debian package."""

    TAR = "tar"
    DEB = "deb"


@dataclass(frozen=True)
class Target:
    """One thing to build."""

    variant: Variant
    arch: Arch

    def stem(self, prefix: str, version: str) -> str:
        """What every artifact's name begins with, such as `prt-dev_v0_amd64`."""
        return f"{self.variant.package(prefix)}_{version}_{self.arch.value}"

    def artifact(self, prefix: str, version: str, ending: str) -> str:
        """The file name of an artifact, such as `prt-dev_v0_amd64.tgz`."""
        return f"{self.stem(prefix, version)}.{ending}"

    def __str__(self) -> str:
        return f"{self.variant.value} {self.arch.value}"


@dataclass(frozen=True)
class Package:
    """One file that is shipped: a target in a format."""

    target: Target
    format: Format

    def __str__(self) -> str:
        return f"{self.format.value} {self.target}"
