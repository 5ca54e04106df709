"""The Debian package of a finished tarball: Debian's own tools over rendered texts; nothing is built again.

Runs on the build machine for any architecture, or as the target where the distribution's libraries are used.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from builder.errors import UserError
from builder.inputs.deb_recipe import SCRIPTS, DebRecipe
from builder.inputs.pins import Source
from builder.stages.pip import PARENT
from builder.stages.planning import Inputs
from builder.stages.stage import WORK, File, Stage, Step, unpack_tree
from builder.targets import Target

_ROOT = "deb"  # what becomes the package: the root of a file system, and DEBIAN
_OUTPUT = "package.deb"
_SYSROOT = "sysroot"
_PROGRAMS = "programs"
_SUBSTVARS = "debian/substvars"
_LIBRARIES = ("(", "-name", "*.so", "-o", "-name", "*.so.[0-9]*", ")")

# As dpkg wants it: every regular file, by its path below the root. Sorted, so that two builds agree.
_MD5SUMS = (
    "find . -path ./DEBIAN -prune -o -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 md5sum > DEBIAN/md5sums"
)


def plan_deb_stage(
    target: Target, inputs: Inputs, texts: Mapping[str, bytes], recipe: DebRecipe, parent_key: str
) -> Stage:
    """Plan the stage of a .deb. `texts` are the rendered ones of the recipe, which has what else goes into the root.

    Raises UserError where a file of the recipe has the place of another.
    """
    settings, machine, epoch = inputs.settings, inputs.machine, inputs.repository.date
    prt_root, package = settings.prt_root, target.variant.package(settings.package_prefix)
    # The C library that the tree is linked against; without one it is that of the system the steps run on.
    sysroot = inputs.pins.sysroot(settings.sysroot, target.arch) if machine.crosses else None
    tools = machine.toolchain if machine.crosses else machine.surroundings  # dpkg's versions are part of both
    env = {"SOURCE_DATE_EPOCH": str(epoch), "DEB_HOST_ARCH": target.arch.value}
    tree = f"{_ROOT}{prt_root}"
    # What is tried and thrown away: 2.7 s in place of 18.3 for the example's runtime, and 25.1 MB in place of 21.9.
    level = () if settings.optimize else ("-z1",)
    libraries = (*sysroot.packages, *sysroot.beside) if sysroot else ()
    steps = (
        Step("make folders", ("mkdir", "-p", tree, _SYSROOT, *_folders(recipe))),
        _unpack_runtime(tree),
        *(_link(name, target) for name, target in recipe.links.items()),
        *(Step(f"unpack {one.file}", ("dpkg-deb", "--raw-extract", one.file, _folder(one))) for one in libraries),
        _find_programs(),
        _shlibdeps(libraries, env),
        Step("compress changelog", ("gzip", "-9", "--no-name", f"{_ROOT}/usr/share/doc/{package}/changelog")),
        Step("md5sums", ("bash", "-euo", "pipefail", "-c", _MD5SUMS), cwd=f"{WORK}/{_ROOT}"),
        Step(
            "dpkg-gencontrol",
            ("dpkg-gencontrol", f"-P{_ROOT}", f"-T{_SUBSTVARS}"),
            env,
            hint="fix recipes/deb/control.j2 or changelog.j2",
        ),
        Step("set modes", ("chmod", "--recursive", "a-s,u=rwX,go=rX", _ROOT)),
        Step(
            "chmod libraries",
            ("find", tree, "-type", "f", *_LIBRARIES, "-exec", "chmod", "a-x", "{}", "+"),
        ),
        Step("set dates", ("find", _ROOT, "-exec", "touch", "--no-dereference", f"--date=@{epoch}", "{}", "+")),
        Step("dpkg-deb", ("dpkg-deb", "--root-owner-group", "-Zxz", *level, "--build", _ROOT, _OUTPUT), env),
    )
    return Stage(
        name=f"deb{target.variant.package_suffix}",
        inputs={"parent": parent_key, "package": package, "tools": tools},
        files=(*_files(package, texts, recipe), *(File(one.file, one) for one in libraries)),
        steps=steps,
        output=_OUTPUT,
        compiles=sysroot is not None,
    )


def _files(package: str, texts: Mapping[str, bytes], recipe: DebRecipe) -> list[File]:
    """Where each text belongs: most in the package itself, some where dpkg-gencontrol reads them."""
    share = f"{_ROOT}/usr/share"
    places = {
        "control": "debian/control",
        "copyright": f"{share}/doc/{package}/copyright",
        "lintian-overrides": f"{share}/lintian/overrides/{package}",
    }
    found = [File("debian/changelog", texts["changelog"]), File(f"{share}/doc/{package}/changelog", texts["changelog"])]
    for kind, content in texts.items():
        if kind != "changelog":
            found.append(File(places.get(kind, f"{_ROOT}/DEBIAN/{kind}"), content, executable=kind in SCRIPTS))
    places_taken = {file.name for file in found}
    for file in recipe.files:
        place = f"{_ROOT}/{file.name}"
        if place in places_taken:
            raise UserError(f"recipes/deb/files/{file.name} has a place that another text of recipes/deb takes")
        found.append(File(place, file.content, executable=file.executable))
    # Policy: what lies in /etc belongs to the administrator. dpkg wants only regular files there.
    conffiles = "".join(f"/{file.name}\n" for file in recipe.files if file.name.startswith("etc/"))
    return [*found, *([File(f"{_ROOT}/DEBIAN/conffiles", conffiles.encode())] if conffiles else [])]


def _folders(recipe: DebRecipe) -> list[str]:
    """The folders that no file brings: empty ones, and those of links."""
    return sorted({f"{_ROOT}/{name}" for name in (*recipe.folders, *map(posixpath.dirname, recipe.links))})


def _unpack_runtime(tree: str) -> Step:
    """Put the tree next to the recipe's files, and over none of them: it would be lost."""
    step = unpack_tree("unpack runtime", PARENT, f"{WORK}/{tree}")
    hint = "the runtime has a file that recipes/deb/files has, too; change it by a script of recipes/runtime"
    return replace(step, args=(*step.args, "--keep-old-files"), hint=hint)


def _link(name: str, target: str) -> Step:
    args = ("ln", "--symbolic", "--no-target-directory", "--", target, f"{_ROOT}/{name}")
    return Step(f"link {name}", args, hint=f"the runtime has recipes/deb/files/{name}, too")


def _folder(library: Source) -> str:
    return f"{_SYSROOT}/{library.name}"


def _find_programs() -> Step:
    """List every ELF file. Python's own files are not among the candidates, and many."""
    is_elf = ("grep", "--quiet", "--text", "--null-data", "--perl-regexp", "\\A\\x7fELF", "{}", ";")
    args = ("find", _ROOT, "-type", "f", "!", "-name", "*.py", "!", "-name", "*.pyc", "-exec", *is_elf)
    return Step("find programs and libraries", (*args, "-fprint0", _PROGRAMS))


def _shlibdeps(libraries: tuple[Source, ...], env: Mapping[str, str]) -> Step:
    """Compute Depends, in one call: with --exit xargs fails rather than make two."""
    xargs = ("xargs", "--null", "--exit", "--max-args=1000000", "--max-chars=1000000", f"--arg-file={_PROGRAMS}")
    known = (f"-S{_folder(one)}" for one in libraries)
    return Step(
        "dpkg-shlibdeps",
        (*xargs, "dpkg-shlibdeps", f"-T{_SUBSTVARS}", *known),
        env,
        hint="a program needs a library of no known package: bring it along, or build with LIBRARIES=system",
    )
