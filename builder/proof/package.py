"""How each format is installed in a fresh place, what more is checked of it, and how it is removed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.inputs.choices import Libraries
from builder.inputs.recipe import Recipe
from builder.inputs.settings import Settings
from builder.proof import checks
from builder.proof.proof import OTHER, PACKAGE, Proof
from builder.stages.stage import WORK, Step, unpack_tree
from builder.targets import Target, Variant

# What changes on any system, or whenever dpkg runs; and homes, where a program a check runs may keep its own.
_RESTLESS = (
    "/dev", "/home", "/proc", "/root", "/run", "/sys", "/tmp",
    "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/log",
)  # fmt: skip

# Shell, because Python is not there before the package, nor after it.
_BEFORE = "files-before"
_KEEP = '"$@" | sort > "$0"'
_COMPARE = '"$@" | sort | diff "$0" -'
_NOTHING = '[ ! -e "$0" ] || { echo "expected: nothing in $0"; echo "seen:"; find "$0"; exit 1; }'

_MOVE = 'mkdir -p "$1" && find "$0" -mindepth 1 -maxdepth 1 -exec mv --target-directory="$1" {} +'
# With a blank, a letter beyond ASCII, and longer than the kernel reads of a script's first line.
_ELSEWHERE = PurePosixPath(WORK, "a b", "ü", *["long"] * 32)


def tarball(target: Target, settings: Settings, recipes: tuple[Recipe, ...]) -> Proof:
    """The archive unpacked at PRT_ROOT, then moved. `recipes` are the target's, the production one first."""
    return Proof(
        files=tuple(checks.check_files(recipes)),
        install=unpacked(settings.prt_root),
        checks=(
            *checks.all_checks(target, settings, recipes),
            Step("move it", ("sh", "-c", _MOVE, str(settings.prt_root), str(_ELSEWHERE))),
            *checks.moved_checks(_ELSEWHERE, settings, recipes),
        ),
    )


def unpacked(prt_root: PurePosixPath) -> tuple[Step, ...]:
    """The steps that unpack an archive at PRT_ROOT, as the README says."""
    return (Step("make PRT_ROOT", ("mkdir", "-p", str(prt_root))), unpack_tree("unpack", PACKAGE, str(prt_root)))


def deb(target: Target, settings: Settings, recipes: tuple[Recipe, ...]) -> Proof:
    """The Debian package installed, exchanged for the other variant's (the development one only), and removed."""
    return Proof(
        files=tuple(checks.check_files(recipes)),
        install=(
            *(_dependencies(target, settings) if settings.libraries is Libraries.SYSTEM else ()),
            Step("list the system's files", ("sh", "-c", _KEEP, _BEFORE, *_listing())),
            Step("dpkg --install", ("dpkg", "--install", PACKAGE)),
        ),
        checks=(
            _status("package", target.variant, settings),
            _untouched(target, settings),
            *checks.all_checks(target, settings, recipes),
            *(_exchange(target, settings) if target.variant is Variant.RUNTIME_DEV else ()),
            *_removal(target, settings),
        ),
    )


def _dependencies(target: Target, settings: Settings) -> Iterator[Step]:
    """Have the distribution's libraries there, which outlast the package, before the system is listed."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", f"{WORK}/{PACKAGE}")
    yield Step("apt-get update", ("apt-get", "update"), quiet, network=True)
    yield Step("apt-get install", install, quiet, network=True)
    yield Step("remove the package again", ("dpkg", "--purge", target.variant.package(settings.package_prefix)))


def _listing() -> tuple[str, ...]:
    """The command that lists every file of the system: kind, mode, owner; if it is not a folder, size and date."""
    aside = [word for folder in (WORK, *_RESTLESS) for word in ("-o", "-path", folder)][1:]
    folders = ("-type", "d", "-printf", "%y %m %u:%g\\t%p\\n", "-o")
    others = ("-printf", "%y %m %u:%g %s %T@ %l\\t%p\\n")
    return ("find", "/", "-xdev", "(", *aside, ")", "-prune", "-o", *folders, *others)


def _status(name: str, variant: Variant, settings: Settings) -> Step:
    packages = (one.package(settings.package_prefix) for one in (variant, variant.other))
    return checks.run_program(name, settings.prt_root, "installed", *packages, str(settings.prt_root), variant.value)


def _untouched(target: Target, settings: Settings) -> Step:
    name = target.variant.package(settings.package_prefix)
    return checks.run_program("system untouched", settings.prt_root, "system", name, _BEFORE, *_listing())


def _exchange(target: Target, settings: Settings) -> Iterator[Step]:
    production, development = (one.package(settings.package_prefix) for one in (Variant.RUNTIME, target.variant))
    yield Step(f"install {production}", ("dpkg", "--install", OTHER))
    yield _status(f"{production} replaces {development}", Variant.RUNTIME, settings)
    yield Step(f"install {development}", ("dpkg", "--install", PACKAGE))
    yield _status(f"{development} replaces {production}", target.variant, settings)


def _removal(target: Target, settings: Settings) -> Iterator[Step]:
    name = target.variant.package(settings.package_prefix)
    yield Step("dpkg --remove", ("dpkg", "--remove", name))
    yield Step("remove leaves nothing", ("sh", "-c", _NOTHING, str(settings.prt_root)))
    yield Step("dpkg --purge", ("dpkg", "--purge", name))
    yield Step("purge leaves nothing", ("sh", "-c", _COMPARE, _BEFORE, *_listing()))
