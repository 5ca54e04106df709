"""The bundled libraries: each has a way to be built, for any target on any machine, from patched source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import pins
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter.compiler import DEPS, CrossCompiler, other_name
from builder.stages.interpreter.libraries import Libraries
from builder.stages.stage import WORK, Stage, Step
from builder.targets import Arch
from tests.support.factories import sysroot

ROOT = Path(__file__).parents[4]
SHIPPED = pins.read(ROOT / "recipes" / "pins.toml").libraries
NAMES = [*SHIPPED]
AUTOCONF = ["libffi", "xz", "ncurses", "libedit", "libuuid", "readline", "gdbm", "libxau", "libxcb", "libx11"]
PAIRS = [(builds_on, arch) for builds_on in Arch for arch in Arch]
BUILD_PYTHON = Stage("build-python", {}, (), (), "build-python.tgz")
Patches = Mapping[str, tuple[RecipeFile, ...]]

each_library = pytest.mark.parametrize("name", NAMES)
each_pair = pytest.mark.parametrize(("builds_on", "arch"), PAIRS)


def stages(
    arch: Arch = Arch.ARM64,
    builds_on: Arch = Arch.AMD64,
    sources: Mapping[str, Source] = SHIPPED,
    patches: Patches = {},  # noqa: B006  # nobody changes it
) -> dict[str, Stage]:
    """The libraries of this repository's pins, by name."""
    libraries = Libraries(sources, patches, builds_on, "a toolchain", 0, BUILD_PYTHON)
    planned = libraries.plan(CrossCompiler(arch, sysroot(arch)))
    return {one.name.removeprefix("library-"): one for one in planned}


def commands(name: str, given: Mapping[str, Stage]) -> list[Step]:
    """The steps that build a library, after it was unpacked and patched."""
    return [step for step in given[name].steps if step.name.startswith(f"{name} ")]


def steps(given: Mapping[str, Stage]) -> list[Step]:
    """All steps of all libraries."""
    return [step for one in given.values() for step in one.steps]


def words(step: Step) -> str:
    """A step's arguments and variables as one text."""
    return "\n".join((*step.args, *step.env.values()))


@each_library
@each_pair
def test_each_pinned_library_is_unpacked_and_then_built_in_its_folder(name: str, builds_on: Arch, arch: Arch) -> None:
    given = stages(arch, builds_on)
    order = [step.name for step in given[name].steps]
    assert order.index(f"unpack {name}") < order.index(commands(name, given)[0].name)
    assert {step.cwd for step in commands(name, given)} == {f"{WORK}/build/{name}"}


@each_library
def test_each_pinned_source_travels_under_its_own_file_name_and_alone(name: str) -> None:
    sources = {file.name: file.content for file in stages()[name].files if file.name.startswith("sources/")}
    assert sources == {f"sources/{SHIPPED[name].file}": SHIPPED[name]}


@pytest.mark.parametrize("name", ["libedit", "readline"])
def test_what_a_library_needs_is_made_before_it_whatever_the_order_of_the_pins(name: str) -> None:
    given = stages(sources={one: SHIPPED[one] for one in (name, "ncurses")})
    assert [parent.key for parent in given[name].parents] == [given["ncurses"].key]
    order = [step.name for step in given[name].steps]
    assert order.index("unpack ncurses as built") < order.index(commands(name, given)[0].name)


def test_a_library_whose_source_is_made_by_python_is_made_by_the_build_machines_own() -> None:
    given = stages()
    assert {name for name, one in given.items() if BUILD_PYTHON in one.parents} == {"libxcb"}
    order = [step.name for step in given["libxcb"].steps]
    assert order.index("unpack build Python") < order.index(commands("libxcb", given)[0].name)


@pytest.mark.parametrize("name", ["xorgproto", "zlib"])
def test_a_debian_package_is_unpacked_as_one_and_a_tarball_as_one(name: str) -> None:
    unpack = next(step for step in stages()[name].steps if step.name == f"unpack {name}")
    assert unpack.args[0] == {"xorgproto": "dpkg-deb", "zlib": "tar"}[name]


@pytest.mark.parametrize("name", ["tcl", "tk"])
def test_a_shared_library_exports_nothing_of_the_static_ones_inside_and_says_nothing_of_the_build(name: str) -> None:
    for step in commands(name, stages()):
        assert {"-Wl,--exclude-libs,ALL", "-Wl,--strip-all"} <= {*step.env["LDFLAGS"].split()}
    (configure,) = (step for step in commands(name, stages()) if step.args[0] == "unix/configure")
    assert [arg for arg in configure.args if arg.startswith("--prefix")] == ["--prefix=/usr/lib/runtime-tcl"]
    assert "--disable-rpath" in configure.args


def test_a_library_whose_need_is_not_pinned_is_named() -> None:
    with pytest.raises(UserError, match="readline needs ncurses"):
        stages(sources={"readline": SHIPPED["readline"]})


def test_a_newer_library_leaves_those_alone_that_do_not_need_it() -> None:
    before, after = stages(), stages(sources={**SHIPPED, "ncurses": replace(SHIPPED["ncurses"], sha256="0" * 64)})
    assert {name for name in before if before[name].key != after[name].key} == {"ncurses", "libedit", "readline"}


@pytest.mark.parametrize("name", AUTOCONF)
@each_pair
def test_configure_knows_that_it_cross_compiles(name: str, builds_on: Arch, arch: Arch) -> None:
    (configure,) = (step for step in commands(name, stages(arch, builds_on)) if step.args[0] == "./configure")
    assert f"--build={other_name(builds_on)}" in configure.args
    assert f"--host={arch.machine}-linux-gnu" in configure.args
    assert other_name(builds_on) != f"{arch.machine}-linux-gnu"


@each_pair
def test_no_step_uses_the_compiler_of_another_architecture(builds_on: Arch, arch: Arch) -> None:
    other = next(one for one in Arch if one is not arch)
    found = [step.name for step in steps(stages(arch, builds_on)) if f"{other.machine}-linux-gnu" in words(step)]
    assert found == []


def test_openssl_is_configured_for_the_target() -> None:
    found = {arch: commands("openssl", stages(arch))[0].args[1] for arch in Arch}
    assert found == {Arch.AMD64: "linux-x86_64", Arch.ARM64: "linux-aarch64"}


def test_openssl_is_given_no_flags_that_it_would_keep() -> None:
    for step in commands("openssl", stages()):
        assert not {"CPPFLAGS", "LDFLAGS"} & step.env.keys(), step.name


def test_what_openssl_says_of_its_build_names_the_target_and_no_path() -> None:
    (file,) = (file for file in stages(Arch.ARM64)["openssl"].files if file.name == "openssl-buildinf.h")
    assert isinstance(file.content, bytes)
    assert b"aarch64-linux-gnu" in file.content
    assert b"/" not in file.content
    assert WORK.encode() not in file.content


def test_sqlites_parser_is_generated_with_the_options_that_it_is_compiled_with() -> None:
    generate, compile_ = (step for step in commands("sqlite", stages()) if "sqlite3.c" in step.args)
    (given,) = (arg.removeprefix("OPTS=") for arg in generate.args if arg.startswith("OPTS="))
    defines = [arg for arg in compile_.args if arg.startswith("-D") and "FORTIFY" not in arg]
    assert given.split() == defines
    assert "-DSQLITE_ENABLE_UPDATE_DELETE_LIMIT" in defines


def test_no_pointer_comes_to_sqlite_in_the_text_of_a_statement() -> None:
    assert not [step.name for step in steps(stages()) if "FTS3_TOKENIZER" in words(step)]


@each_library
def test_a_patch_is_applied_to_the_unpacked_library_before_it_is_built(name: str) -> None:
    patches = {name: (RecipeFile("10-a.patch", b"a"), RecipeFile("20-b.patch", b"b"))}
    given = stages(patches=patches)
    order = [step.name for step in given[name].steps]
    first, last = order.index(f"unpack {name}"), order.index(commands(name, given)[0].name)
    assert order[first:last] == [f"unpack {name}", f"patch {name} 10-a.patch", f"patch {name} 20-b.patch"]
    assert given[name].steps[first + 1].cwd == f"{WORK}/build/{name}"
    assert {"patches/10-a.patch", "patches/20-b.patch"} <= {file.name for file in given[name].files}


def test_a_patch_that_does_not_fit_names_its_file_and_the_version_it_met() -> None:
    given = stages(patches={"openssl": (RecipeFile("10-a.patch", b"a"),)})
    (step,) = (step for step in given["openssl"].steps if step.name.startswith("patch "))
    assert "recipes/libraries/openssl/10-a.patch" in step.hint
    assert SHIPPED["openssl"].version in step.hint


@each_library
def test_each_library_keeps_its_license_where_that_of_no_other_is(name: str) -> None:
    (step,) = (step for step in stages()[name].steps if step.name == f"keep license of {name}")
    folder = step.args.index("-t") + 1
    assert step.cwd == f"{WORK}/build/{name}"
    assert step.args[folder] == f"{DEPS}/share/licenses/{name}"
    assert step.args[folder + 1 :], "the files"


def test_no_step_has_the_network() -> None:
    assert [step.name for step in steps(stages()) if step.network] == []


def test_no_step_names_a_path_of_this_machine() -> None:
    here = [str(ROOT), str(Path.home()), "/tmp", "/opt", "/usr/local"]
    assert [step.name for step in steps(stages()) if any(path in words(step) for path in here)] == []


def test_every_library_is_static_and_hidden() -> None:
    for name in NAMES:
        assert not [step.name for step in commands(name, stages()) if "--enable-shared" in step.args]
    for step in steps(stages()):
        if "CFLAGS" in step.env:
            assert "-fvisibility=hidden" in step.env["CFLAGS"]


CHANGES = {
    "the digest of its source": stages(sources={**SHIPPED, "ncurses": replace(SHIPPED["ncurses"], sha256="0" * 64)}),
    "a patch": stages(patches={"ncurses": (RecipeFile("a.patch", b"a"),)}),
    "the architecture": stages(Arch.AMD64),
    "the build machine": stages(builds_on=Arch.ARM64),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_key_changes_with_what_changes_the_library(what: str) -> None:
    assert CHANGES[what]["ncurses"].key != stages()["ncurses"].key


def test_the_key_does_not_change_with_the_places_of_a_source() -> None:
    elsewhere = {name: replace(source, places=("https://elsewhere/",)) for name, source in SHIPPED.items()}
    before, after = stages(), stages(sources=elsewhere)
    assert {name: one.key for name, one in before.items()} == {name: one.key for name, one in after.items()}
