"""Cross-compiling is run: parents once and first, the proof before anything is kept, and the manifest says how."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builder.console import Console
from builder.errors import BuildError, UserError
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.pipeline.training import train
from builder.targets import Arch, Target, Variant
from tests.support.factories import VERSION, checkout, project
from tests.support.recorder import Answer, Recorder, RecordingWorkplace

RUNTIME, DEV = Variant.RUNTIME, Variant.RUNTIME_DEV
NATIVE, FOREIGN = Arch.AMD64, Arch.ARM64
KINDS = {
    "pack zlib": "library-zlib", "pack openssl": "library-openssl", "pack build Python": "build-python",
    "take profile": "profile", "pack interpreter": "interpreter", "pack artifact": "package", "write lock": "lock",
}  # fmt: skip
LIBRARIES = ["library-zlib", "library-openssl"]
ONCE = ["build-python", *LIBRARIES, "profile", "interpreter", "proof", "package"]
NOTE = "note: no clang 19 here"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which nothing was built yet."""
    return checkout(tmp_path)


def pipeline(root: Path, engine: Recorder, console: Console, **values: str) -> Pipeline:
    """What builds in the checkout."""
    given = project(root, **{"COMPILE": "across", "LIBRARIES": "bundled", **values})
    return Pipeline(given, engine, console, stores.source_shelf(given, console.say))


def build(root: Path, engine: Recorder, target: Target | None = None, **values: str) -> str:
    """Build a target, by default the native runtime; what the user sees."""
    console = Console(stream=io.StringIO())
    pipeline(root, engine, console, **values).build(target or Target(RUNTIME, NATIVE))
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


def kind(place: RecordingWorkplace) -> str:
    """Which kind of stage was run in a workplace."""
    names = [KINDS[step.name] for step in place.steps if step.name in KINDS]
    return names[0] if names else "proof"


def stages(engine: Recorder) -> list[str]:
    """The kinds of the stages that were run, in order, besides the resolution of packages."""
    return [one for one in map(kind, engine.workplaces) if one != "lock"]


def place_of(engine: Recorder, wanted: str) -> RecordingWorkplace:
    """The first workplace in which a kind of stage was run."""
    return next(place for place in engine.workplaces if kind(place) == wanted)


def kept(root: Path) -> dict[str, int]:
    """How many results of each kind are in the store."""
    folder = root / "out" / "cache" / "v1" / "ac"
    return {path.name: len([*path.rglob("*.json")]) for path in sorted(folder.glob("*")) if path.name != "lock"}


def manifest(root: Path, name: str = "prt_v0_amd64") -> dict[str, str]:
    """A published manifest."""
    found: dict[str, str] = json.loads((root / "out" / f"{name}.manifest.json").read_text())
    return found


def artifacts(root: Path) -> list[str]:
    """The names of the files in ARTIFACT_DIR."""
    return sorted(path.name for path in (root / "out").iterdir() if path.is_file() and path.name != "cache-stats.json")


def test_the_parents_of_the_interpreter_are_made_once_and_before_it(root: Path) -> None:
    engine = Recorder()
    build(root, engine)
    assert stages(engine) == ONCE


def test_every_result_is_kept_under_its_kind(root: Path) -> None:
    build(root, Recorder())
    assert kept(root) == {"build-python": 1, "interpreter": 1, "library-openssl": 1, "library-zlib": 1, "profile": 1}


def test_for_another_architecture_the_libraries_are_made_for_both(root: Path) -> None:
    engine = Recorder()
    build(root, engine, Target(RUNTIME, FOREIGN))
    assert stages(engine) == ["build-python", *LIBRARIES, *LIBRARIES, *ONCE[3:]]
    assert kept(root) == {"build-python": 1, "interpreter": 1, "library-openssl": 2, "library-zlib": 2, "profile": 1}


def test_the_second_architecture_takes_what_the_first_one_made(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder()
    build(root, engine, Target(RUNTIME, FOREIGN))
    assert stages(engine) == [*LIBRARIES, "interpreter", "proof", "package"]


def test_a_second_build_takes_everything_from_the_cache(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder()
    shown = build(root, engine, NO_PACKAGE_CACHE="1")
    assert stages(engine) == ["package"]
    assert "interpreter: from the cache" in shown


def test_another_prt_root_compiles_the_interpreter_only(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder()
    build(root, engine, PRT_ROOT="/srv/py")
    assert stages(engine) == ["interpreter", "proof", "package"]


def test_a_build_that_is_not_optimised_trains_nothing(root: Path) -> None:
    engine = Recorder()
    build(root, engine, OPTIMIZE="0")
    assert stages(engine) == [one for one in ONCE if one != "profile"]


def trained(root: Path, engine: Recorder, **values: str) -> Path:
    """Train a profile to be kept."""
    return train(pipeline(root, engine, Console(stream=io.StringIO()), **values))


def test_a_training_makes_what_it_needs_and_no_interpreter_and_the_next_build_uses_it(root: Path) -> None:
    engine = Recorder()
    path = trained(root, engine, OPTIMIZE="0")
    assert stages(engine) == ["build-python", *LIBRARIES, "profile"]
    assert path == root / "recipes" / "profiles" / f"{VERSION}.profdata.xz"
    assert lzma.decompress(path.read_bytes()) == b"canned python.profdata"
    engine = Recorder()
    shown = build(root, engine)
    assert stages(engine) == ["interpreter", "proof", "package"]
    assert "nox -s train" not in shown


def test_a_training_takes_what_the_cache_has(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder()
    trained(root, engine)
    assert engine.workplaces == []


def test_a_profile_that_is_there_is_trained_again_only_once_it_was_removed(root: Path) -> None:
    path = trained(root, Recorder())
    ours = lzma.compress(b"ours")
    path.write_bytes(ours)
    assert trained(root, Recorder()) == path
    assert path.read_bytes() == ours
    path.unlink()
    assert trained(root, Recorder()).read_bytes() != ours


def test_a_build_without_a_kept_profile_says_how_to_get_one_unless_it_was_to_train(root: Path) -> None:
    assert "note: recipes/profiles has none for this version; `nox -s train` puts it there" in build(root, Recorder())
    assert "nox -s train" not in build(root, Recorder(), PROFILE="train", CACHE_MODE="refresh")


def test_what_is_compiled_in_place_can_not_be_trained_for(root: Path) -> None:
    with pytest.raises(UserError, match="keeps no profile"):
        trained(root, Recorder(), COMPILE="in-place", LIBRARIES="system")


@pytest.mark.parametrize("arch", Arch)
def test_only_what_compiles_runs_where_the_compilers_are(root: Path, arch: Arch) -> None:
    engine = Recorder()
    build(root, engine, Target(RUNTIME, arch))
    assert {kind(place) for place in engine.workplaces if place.compiles} == {*ONCE[:5]}
    assert {kind(place) for place in engine.workplaces if not place.compiles} == {"proof", "lock", "package"}
    assert {place.arch for place in engine.workplaces} == {arch}


def test_a_stage_is_given_what_its_parents_made(root: Path) -> None:
    engine = Recorder()
    build(root, engine)
    items = place_of(engine, "interpreter").items
    for name in ("library-zlib.tgz", "build-python.tgz", "python.profdata"):
        content = items[name].content
        assert isinstance(content, Path)
        assert content.read_bytes() == f"canned {name}".encode()


def test_the_proof_is_given_the_interpreter_that_was_made(root: Path) -> None:
    engine = Recorder()
    build(root, engine)
    place = place_of(engine, "proof")
    assert {"interpreter.tgz", "check_modules.py"} <= place.items.keys()
    assert [step.name for step in place.steps] == ["unpack interpreter", "check modules"]


@pytest.mark.parametrize("arch", Arch)
def test_a_failing_proof_keeps_neither_interpreter_nor_artifact(root: Path, arch: Arch) -> None:
    engine = Recorder(answers={"check modules": Answer(1, ("ssl is missing",))})
    with pytest.raises(BuildError, match="ssl is missing"):
        build(root, engine, Target(RUNTIME, arch))
    assert "interpreter" not in kept(root)
    assert artifacts(root) == []


def test_after_a_failed_proof_the_parents_need_not_be_made_again(root: Path) -> None:
    with pytest.raises(BuildError):
        build(root, Recorder(answers={"check modules": Answer(1)}))
    engine = Recorder()
    build(root, engine)
    assert stages(engine) == ["interpreter", "proof", "package"]


@pytest.mark.parametrize(
    ("step", "there"), [("pack zlib", {"build-python"}), ("take profile", {*LIBRARIES, "build-python"})]
)
def test_a_failing_parent_keeps_what_was_complete_before(root: Path, step: str, there: set[str]) -> None:
    with pytest.raises(BuildError):
        build(root, Recorder(answers={step: Answer(1)}))
    assert kept(root).keys() == there
    assert artifacts(root) == []


def test_the_sysroot_that_is_unpacked_is_that_of_the_target(root: Path) -> None:
    engine = Recorder()
    build(root, engine, Target(RUNTIME, FOREIGN))
    found = []
    for wanted in ("interpreter", "profile"):
        content = place_of(engine, wanted).items["sysroot.tar"].content
        assert isinstance(content, bytes)
        with tarfile.open(fileobj=io.BytesIO(content)) as sysroot:
            found.append(sysroot.getnames())
    assert found == [["lib/aarch64-linux-gnu/libc.so.6"], ["lib/x86_64-linux-gnu/libc.so.6"]]


def contents(engine: Recorder, stage: str) -> dict[str, bytes]:
    """The files a stage found in its workplace."""
    found = {name: item.content for name, item in place_of(engine, stage).items.items()}
    return {name: one if isinstance(one, bytes) else one.read_bytes() for name, one in found.items()}


def test_whatever_was_altered_in_the_cache_no_stage_gets_other_files(root: Path) -> None:
    clean = Recorder()
    build(root, clean)
    expected = {stage: contents(clean, stage) for stage in ONCE[:5]}
    altered = [path for path in (root / "out" / "cache").rglob("*") if path.is_file()]
    for path in altered:
        path.write_bytes(b"altered " + path.read_bytes())
    engine = Recorder()
    build(root, engine)
    assert {stage: contents(engine, stage) for stage in expected} == expected
    assert {"sources", "v1", "artifacts"} <= {path.relative_to(root / "out" / "cache").parts[0] for path in altered}


@pytest.mark.parametrize(
    ("machine", "arch", "compile_", "emulated_by", "said"),
    [
        (NATIVE, NATIVE, "across", None, "native"),
        (NATIVE, FOREIGN, "across", "qemu 10.0.2", "across on amd64"),
        (NATIVE, FOREIGN, "across", None, "across on amd64"),
        (FOREIGN, NATIVE, "across", "qemu", "across on arm64"),
        (FOREIGN, FOREIGN, "across", None, "native"),
        (NATIVE, FOREIGN, "in-place", "qemu 10.0.2", "emulated by qemu 10.0.2"),
        (NATIVE, NATIVE, "in-place", None, "native"),
    ],
)
def test_the_manifest_says_how_it_was_compiled(
    root: Path, machine: Arch, arch: Arch, compile_: str, emulated_by: str | None, said: str
) -> None:
    build(root, Recorder(machine=machine, emulated_by=emulated_by), Target(RUNTIME, arch), COMPILE=compile_)
    assert manifest(root, f"prt_v0_{arch.value}")["compiled"] == said


def test_the_manifest_of_runtime_dev_says_it_as_well(root: Path) -> None:
    build(root, Recorder(), Target(DEV, FOREIGN))
    assert manifest(root, "prt-dev_v0_arm64")["compiled"] == "across on amd64"


def test_an_engine_without_clang_compiles_in_place_and_says_what_that_means(root: Path) -> None:
    engine = Recorder(has_clang=False)
    shown = build(root, engine)
    assert stages(engine) == ["interpreter", "package"]
    assert not any(place.compiles for place in engine.workplaces)
    assert NOTE in shown
    assert "libc_floor" in shown
    assert "recipes/builder/compiler.txt" in shown


@pytest.mark.parametrize("setting", [{"COMPILE": "in-place"}, {"LIBRARIES": "system"}])
@pytest.mark.parametrize("has_clang", [True, False])
def test_who_wants_it_in_place_gets_it_without_a_note(root: Path, setting: dict[str, str], has_clang: bool) -> None:
    engine = Recorder(has_clang=has_clang)
    shown = build(root, engine, None, **setting)
    assert stages(engine) == ["interpreter", "package"]
    assert NOTE not in shown
    assert ("COMPILE=in-place takes the libraries of the system" in shown) is ("COMPILE" in setting)


def test_another_compiler_compiles_everything_again(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder(fingerprint="a newer one")
    shown = build(root, engine)
    assert stages(engine) == ONCE
    assert "library-zlib: to be compiled (changed: toolchain)" in shown


@pytest.mark.parametrize("held_for_too_long", [False, True])
def test_what_another_build_makes_is_waited_for_and_then_found(root: Path, held_for_too_long: bool) -> None:
    console, engine = Console(stream=io.StringIO()), Recorder()
    ours = pipeline(root, engine, console)
    stage = ours.plan(Target(RUNTIME, NATIVE)).interpreter
    other, claimed, over = stores.cache(ours.project, print), threading.Event(), threading.Event()
    made = root / "made by the other"
    made.write_bytes(b"an interpreter")

    def another_build() -> None:
        release = other.claim(stage)
        assert release
        claimed.set()
        over.wait(60 if held_for_too_long else 0.5)
        other.keep(stage, made, {"compiled": "native"})
        release()

    with ThreadPoolExecutor() as pool:
        pool.submit(another_build)
        claimed.wait()
        ours.results.longest_wait = 0 if held_for_too_long else 60
        ours.build(Target(RUNTIME, NATIVE))
        over.set()
    assert ("interpreter" in stages(engine)) is held_for_too_long
    assert isinstance(console.stream, io.StringIO)
    shown = console.stream.getvalue()
    assert shown.count("interpreter: another build makes the same: waiting for it") == 1
    assert ("held for too long: continuing without it" in shown) is held_for_too_long


def test_libraries_are_made_side_by_side_as_the_engine_has_room(root: Path) -> None:
    engine = Recorder(side_by_side=2)
    build(root, engine)
    assert sorted(stages(engine)[:3]) == sorted(ONCE[:3])
    assert stages(engine)[3:] == ONCE[3:]


def test_a_failing_library_ends_the_others_and_names_its_step(root: Path) -> None:
    engine = Recorder(side_by_side=2, answers={"zlib 1: configure": Answer(1, ("no compiler",))})
    with pytest.raises(BuildError, match="step 'zlib 1: configure' failed"):
        build(root, engine)
    assert engine.ended
    assert "interpreter" not in stages(engine)
