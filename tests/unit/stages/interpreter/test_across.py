"""Cross-compiling: tuned by profile and link time, for CPython's own files only, trained on the build machine."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path, PurePosixPath

import pytest

from builder.engines.base import fill
from builder.errors import UserError
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter.compiler import other_name
from builder.stages.interpreter.configure import LLVM_OPTIONS
from builder.stages.stage import WORK, Stage, Step
from builder.targets import Arch, Variant
from tests.support.factories import SOURCE, VERSION, Planning, across

ROOT = Path(__file__).parents[4]
PROFILE_USE = f"-fprofile-instr-use={WORK}/python.profdata"
KEPT = {VERSION: b"a profile"}
LIBRARIES = ["library-zlib", "library-openssl"]
each_arch = pytest.mark.parametrize("arch", Arch)
each_pair = pytest.mark.parametrize(("builds_on", "arch"), [*product(Arch, Arch)])


def compiling(stage: Stage) -> Step:
    """The step of a stage that compiles CPython."""
    (found,) = (step for step in stage.steps if step.args[0].endswith("/python-build"))
    return found


def options(stage: Stage) -> list[str]:
    """What configure is given."""
    return compiling(stage).env["PYTHON_CONFIGURE_OPTS"].split()


def flags(stage: Stage, name: str = "CFLAGS_NODIST") -> list[str]:
    """The flags for CPython's own files."""
    return compiling(stage).env[name].split()


def all_stages(given: Planning) -> list[Stage]:
    """Every stage that compiles, the parents' parents as well."""
    found = list(given.compiled().values())
    return found + [parent for stage in found for parent in stage.parents if parent not in found]


def steps(given: Planning) -> list[Step]:
    """Every step of those stages."""
    return [step for stage in all_stages(given) for step in stage.steps]


@each_arch
def test_no_flag_reaches_the_extensions_of_users(tmp_path: Path, arch: Arch) -> None:
    for stage in across(tmp_path, arch).compiled().values():
        for step in stage.steps:
            if not step.args[0].endswith("/python-build"):
                continue
            found = {name: text for name, text in step.env.items() if "FLAGS" in name and not name.endswith("_NODIST")}
            assert [one for text in found.values() for one in text.split() if not one.startswith("-I")] == []
            assert not any("FLAGS" in option for option in step.env["PYTHON_CONFIGURE_OPTS"].split())
            assert not any(" -" in step.env.get(name, "") for name in ("CXX", "AR"))


@each_arch
def test_profilers_find_frame_pointers_and_tracers_find_probes(tmp_path: Path, arch: Arch) -> None:
    for stage in (across(tmp_path, arch).compiled()[name] for name in ("profile", "interpreter")):
        assert {"-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"} <= {*flags(stage)}
        assert "--with-dtrace" in compiling(stage).env["PYTHON_CONFIGURE_OPTS"].split()
        program = compiling(stage).env["ac_cv_path_DTRACE"]
        (made_by,) = (file for file in stage.files if f"{WORK}/{file.name}" == program)
        assert made_by.executable
        assert isinstance(made_by.content, bytes)
        assert WORK.encode() not in made_by.content, "in what a file holds it means nothing"


@each_arch
def test_functions_that_the_c_library_lacks_are_in_a_header_for_cpythons_own_files(tmp_path: Path, arch: Arch) -> None:
    compiled = across(tmp_path, arch).compiled()
    for stage in (compiled["profile"], compiled["interpreter"]):
        (header,) = (file.content for file in stage.files if file.name == "include/unistd.h")
        assert isinstance(header, bytes)
        assert f"-I{WORK}/include" in flags(stage)
        answers = {name.removeprefix("ac_cv_func_") for name in compiling(stage).env if name.startswith("ac_cv_func_")}
        assert answers == {*re.findall(r"static inline int (\w+)\(", header.decode())}


@each_arch
def test_an_optimised_interpreter_is_compiled_with_the_profile(tmp_path: Path, arch: Arch) -> None:
    stage = across(tmp_path, arch).compiled()["interpreter"]
    assert PROFILE_USE in flags(stage)
    for option in LLVM_OPTIONS:
        assert f"-mllvm {option} " in " ".join(flags(stage))
        assert f"-Wl,-mllvm,{option}" in flags(stage, "LDFLAGS_NODIST")
    assert "--with-lto=thin" in options(stage)


@each_arch
def test_an_interpreter_that_is_not_optimised_has_no_profile_and_no_link_time(tmp_path: Path, arch: Arch) -> None:
    compiled = across(tmp_path, arch).set(OPTIMIZE="0").compiled()
    text = " ".join(
        [
            *options(compiled["interpreter"]),
            *flags(compiled["interpreter"]),
            *flags(compiled["interpreter"], "LDFLAGS_NODIST"),
        ]
    )
    assert not any(word in text for word in ("profile", "mllvm", "lto"))
    assert compiled.keys() == {*LIBRARIES, "build-python", "interpreter"}


@pytest.mark.parametrize("optimize", ["0", "1"])
def test_only_the_training_enables_optimizations(tmp_path: Path, optimize: str) -> None:
    stages = across(tmp_path).set(OPTIMIZE=optimize).compiled().values()
    found = [
        stage.name
        for stage in stages
        for step in stage.steps
        if "--enable-optimizations" in step.env.get("PYTHON_CONFIGURE_OPTS", "").split()
    ]
    assert found == (["profile"] if optimize == "1" else [])


@each_arch
def test_the_use_of_the_profile_is_checked_and_shown_where_there_is_one(tmp_path: Path, arch: Arch) -> None:
    def check(optimize: str) -> list[bool]:
        stage = across(tmp_path, arch).set(OPTIMIZE=optimize).compiled()["interpreter"]
        return [step.shows_output for step in stage.steps if step.args[-2].endswith("/profile_use.py")]

    assert (check("1"), check("0")) == ([True], [])


def test_a_stricter_proof_proves_again(tmp_path: Path) -> None:
    stage = across(tmp_path).compiled()["interpreter"]
    assert stage.acceptance
    stricter = replace(stage.acceptance, steps=(*stage.acceptance.steps, Step("one more", ("true",))))
    assert replace(stage, acceptance=stricter).key != stage.key


def test_one_process_trains(tmp_path: Path) -> None:
    task = compiling(across(tmp_path).compiled()["profile"]).env["PROFILE_TASK"]
    assert "--pgo" in task
    assert "-j" not in task


@each_pair
def test_training_happens_for_the_build_machine_itself(tmp_path: Path, builds_on: Arch, arch: Arch) -> None:
    compiled = across(tmp_path, arch).on(builds_on=builds_on).compiled()
    profile = compiled["profile"]
    assert f"--host={builds_on.machine}-linux-gnu" in options(profile)
    assert [parent.inputs["arch"] for parent in profile.parents] == [builds_on.value] * 3
    assert f"--host={arch.machine}-linux-gnu" in options(compiled["interpreter"])
    assert {compiled[name].inputs["arch"] for name in LIBRARIES} == {arch.value}


@each_pair
def test_configure_always_knows_that_it_cross_compiles(tmp_path: Path, builds_on: Arch, arch: Arch) -> None:
    compiled = across(tmp_path, arch).on(builds_on=builds_on).compiled()
    for name in ("profile", "interpreter"):
        given = dict(option.split("=", 1) for option in options(compiled[name]) if "=" in option)
        assert given["--build"] == other_name(builds_on) != given["--host"]
        assert given["--with-build-python"] == f"{WORK}/build-python/bin/python3.13"


@each_arch
def test_the_interpreter_links_the_libraries_of_its_own_architecture(tmp_path: Path, arch: Arch) -> None:
    interpreter = across(tmp_path, arch).compiled()["interpreter"]
    libraries = [parent for parent in interpreter.parents if parent.name in LIBRARIES]
    assert {parent.inputs["arch"] for parent in (*libraries, interpreter)} == {arch.value}
    unpacked = {step.args[2] for step in interpreter.steps if step.name.endswith(" as built")}
    assert unpacked == {f"--file={WORK}/{parent.output}" for parent in libraries}


def test_a_profile_is_trained_where_none_is_kept(tmp_path: Path) -> None:
    stage = across(tmp_path).compiled()["interpreter"]
    assert [parent.name for parent in stage.parents] == ["build-python", *LIBRARIES, "profile"]
    assert "python.profdata" not in {file.name for file in stage.files}


def test_a_kept_profile_is_taken_and_nothing_is_trained(tmp_path: Path) -> None:
    stage = across(tmp_path).with_interpreter(profiles=KEPT).compiled()["interpreter"]
    assert [parent.name for parent in stage.parents] == ["build-python", *LIBRARIES]
    assert {file.name: file.content for file in stage.files}["python.profdata"] == b"a profile"
    assert PROFILE_USE in flags(stage)


def test_a_profile_kept_for_another_version_is_not_taken(tmp_path: Path) -> None:
    assert "profile" in across(tmp_path).with_interpreter(profiles={"3.13.4": b"another"}).compiled()


def test_training_can_be_asked_for_where_a_profile_is_kept(tmp_path: Path) -> None:
    given = across(tmp_path).with_interpreter(profiles=KEPT)
    stages = given.set(PROFILE="train").compiled()
    assert "profile" in stages
    assert "python.profdata" not in {file.name for file in stages["interpreter"].files}


def test_a_kept_profile_means_nothing_to_a_build_that_is_not_optimised(tmp_path: Path) -> None:
    given = across(tmp_path).set(OPTIMIZE="0")
    assert given.with_interpreter(profiles=KEPT).compiled() == given.compiled()


def with_jit(folder: Path, version: str = "3.14.7") -> Planning:
    """JIT=1 with a version of CPython."""
    release = version.removesuffix("t")
    pythons = {release: replace(SOURCE, version=release, file=f"Python-{release}.tar.xz")}
    return across(folder).pinned(pythons=pythons).with_inputs(python_version=version).set(JIT="1")


def test_the_jit_is_built_in_switched_off_and_for_the_target(tmp_path: Path) -> None:
    stage = with_jit(tmp_path).set(JIT="1", OPTIMIZE="0").compiled()["interpreter"]
    assert "--enable-experimental-jit=yes-off" in options(stage)
    assert compiling(stage).env["CFLAGS_JIT"] == f"--sysroot={WORK}/sysroot"
    assert compiling(stage).env["PYTHON_FOR_REGEN"] == f"{WORK}/build-python/bin/python3.14"
    plain = with_jit(tmp_path).set(OPTIMIZE="0").compiled()
    assert "jit" not in " ".join((*options(plain["interpreter"]), *compiling(plain["interpreter"]).env)).lower()
    assert plain["build-python"] == with_jit(tmp_path).compiled()["build-python"]


def test_an_interpreter_with_the_jit_is_trained_even_if_there_is_a_profile_of_one_without(tmp_path: Path) -> None:
    stages = with_jit(tmp_path).with_interpreter(profiles={"3.14.7": b"of another"}).compiled()
    assert "--enable-experimental-jit=yes-off" in options(stages["profile"])


@pytest.mark.parametrize("version", ["3.13.5", "3.14.7t", "3.15.0"])
def test_a_version_without_a_jit_that_can_be_built_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(UserError, match=f"^JIT=1: CPython {version} has no JIT that can be built here"):
        with_jit(tmp_path, version).compiled()


def test_an_interpreter_compiled_in_place_has_no_jit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="JIT=1: an interpreter that is compiled in place has none"):
        with_jit(tmp_path).on(crosses=False).compiled()


@pytest.mark.parametrize(("setting", "module"), [("GDBM", "_gdbm"), ("TK", "_tkinter")])
def test_what_nobody_asked_for_is_not_built_in_place_whatever_the_system_has(
    tmp_path: Path, setting: str, module: str
) -> None:
    for value in ("0", "1"):
        given = across(tmp_path).on(crosses=False).set(**{setting: value})
        answers = compiling(given.plan().interpreter).env
        assert answers.get(f"py_cv_module_{module}") == (None if value == "1" else "n/a")


def test_a_flavour_has_its_program_once(tmp_path: Path) -> None:
    stage = across(tmp_path).with_inputs(python_version=f"{VERSION}t").compiled()["interpreter"]
    after = {step.name: (number, step.args) for number, step in enumerate(stage.steps)}
    number, args = after["link python3.13"]
    assert args == ("ln", "-sf", "python3.13t", "/prt/bin/python3.13")
    assert number < after["split symbols"][0]  # which would leave the second file as it is


def test_everything_but_the_proof_runs_on_the_build_machine(tmp_path: Path) -> None:
    stages = across(tmp_path, Arch.ARM64).compiled()
    assert {stage.compiles for stage in stages.values()} == {True}
    assert {name for name, stage in stages.items() if stage.acceptance} == {"interpreter"}
    proof = stages["interpreter"].acceptance
    assert proof
    assert not proof.compiles
    assert "check modules" in [step.name for step in proof.steps]


def test_an_interpreter_compiled_in_place_has_no_parents_and_proves_itself(tmp_path: Path) -> None:
    stage = across(tmp_path).on(crosses=False).compiled()["interpreter"]
    assert (stage.parents, stage.compiles) == ((), False)
    assert stage.acceptance, "for the one that comes from a shared cache"
    assert "check modules" in [step.name for step in stage.steps]


@each_arch
def test_no_step_has_the_network(tmp_path: Path, arch: Arch) -> None:
    assert [step.name for step in steps(across(tmp_path, arch)) if step.network] == []


@each_arch
def test_no_step_names_a_path_of_this_machine(tmp_path: Path, arch: Arch) -> None:
    here = [str(ROOT), str(tmp_path), str(Path.home()), "/tmp", "/opt"]
    found = [
        step.name for step in steps(across(tmp_path, arch))
        if any(path in "\n".join((*step.args, *step.env.values(), step.cwd)).replace(f"{WORK}/", "") for path in here)
    ]  # fmt: skip
    assert found == []


def test_only_the_interpreter_knows_where_it_will_run(tmp_path: Path) -> None:
    given = across(tmp_path).set(PRT_ROOT="/srv/py")
    named = [stage.name for stage in all_stages(given) if "/srv/py" in str(stage.all_inputs)]
    assert named == ["interpreter"]


def test_a_pre_patch_reaches_the_build_python_the_training_and_the_interpreter(tmp_path: Path) -> None:
    given = across(tmp_path).with_recipe(Variant.RUNTIME, pre_patches=(RecipeFile("a.patch", b"diff a\n"),))
    patched = [stage.name for stage in all_stages(given) if any(file.content == b"diff a\n" for file in stage.files)]
    assert patched == ["build-python", "profile", "interpreter"]


def test_the_definition_neither_verifies_nor_runs_what_was_compiled(tmp_path: Path) -> None:
    files = {file.name: file.content for file in across(tmp_path).compiled()["interpreter"].files}
    content = files[f"python-build/share/python-build/{VERSION}"]
    assert isinstance(content, bytes)
    assert content.decode().split('"')[-1].split() == ["modules_inside", "standard"]


def test_the_date_of_the_source_dates_everything(tmp_path: Path) -> None:
    stages = across(tmp_path).compiled()
    dates = {compiling(stages[name]).env["SOURCE_DATE_EPOCH"] for name in ("build-python", "profile", "interpreter")}
    assert dates == {"1749600000"}


@pytest.mark.needs("find", "sed")
def test_what_cpython_remembers_of_its_build_names_no_path_of_it(tmp_path: Path) -> None:
    root, work = tmp_path / "prt", tmp_path / "work"
    remembered = [root / "lib/python3.13" / name for name in ("_sysconfigdata__linux_.py", "config/Makefile", "x.pc")]
    compiler = " ".join(f"-mllvm {option}" for option in LLVM_OPTIONS)
    linker = " ".join(f"-Wl,-mllvm,{option}" for option in LLVM_OPTIONS)
    text = (
        f"'AR': 'llvm-ar-19', 'OPENSSL_LIBS': '-L{work}/deps/lib -lssl', 'ZLIB_CFLAGS': '-I{work}/deps/include',\n"
        f"'CFLAGS_NODIST': '-O2 -ffile-prefix-map={work}/deps=/deps {compiler} -fprofile-instr-use={work}/p"
        " -Wprofile-instr-unprofiled -Wprofile-instr-missing',\n"
        f"'LDFLAGS_NODIST': '-Wl,-z,now {linker}',\n"
        f"'PYTHON_FOR_BUILD': '{work}/build-python/bin/python3', 'srcdir': '{work}/build/Python-3.13.5',\n"
    )
    for path in remembered:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (stage,) = (one for one in all_stages(across(tmp_path).set(PRT_ROOT=str(root))) if one.name == "interpreter")
    (step,) = (step for step in stage.steps if step.name == "name plain tools")
    args, _, _ = fill(step, PurePosixPath(work), 1)
    subprocess.run(args, check=True)
    for path in remembered:
        assert path.read_text() == (
            "'AR': 'ar', 'OPENSSL_LIBS': ' -lssl', 'ZLIB_CFLAGS': '',\n"
            "'CFLAGS_NODIST': '-O2',\n"
            "'LDFLAGS_NODIST': '-Wl,-z,now',\n"
            "'PYTHON_FOR_BUILD': 'python3', 'srcdir': '/usr/src/build/Python-3.13.5',\n"
        )
