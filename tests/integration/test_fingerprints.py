"""What the docker engine says of its images: real ones, made in seconds from Dockerfiles that install nothing new."""

from __future__ import annotations

import io
import json
from pathlib import Path, PurePosixPath
from uuid import uuid4

import pytest

from builder.console import Console
from builder.engines.docker import DockerEngine
from builder.engines.endpoint import Endpoint
from builder.engines.images import BuilderImage
from builder.inputs.environment import whole_environment
from builder.inputs.network import Network
from builder.roots.roles import Role
from builder.targets import Arch
from tests.support.default_python import VERSION

pytestmark = pytest.mark.needs("docker")

NETWORK = Network(None, {}, {})
ARCH = Arch.native()
BASE = whole_environment().get("BASE_IMAGE", "debian:bookworm-slim").replace("{arch}", ARCH.value)
FROM = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n"
FEWER = f"{FROM}RUN dpkg --purge --force-depends mawk\n"


def recipe(folder: Path, dockerfile: str = FROM, packages: str = "# none\n") -> Path:
    """A recipe of builder images."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    for role in ("builder", "compiler"):
        (folder / f"{role}.txt").write_text(packages if role == "builder" else "# none\n")
    return folder


def engine(folder: Path, artifact_dir: Path, base: str = BASE) -> DockerEngine:
    """The engine of a recipe."""
    image = BuilderImage(folder, base, "", NETWORK)
    console = Console(stream=io.StringIO())
    return DockerEngine({ARCH: Endpoint("")}, image, PurePosixPath("/prt"), NETWORK, artifact_dir, console)


def test_what_an_image_is_made_by_and_what_it_holds_are_what_counts(tmp_path: Path) -> None:
    plain = engine(recipe(tmp_path / "plain"), tmp_path / "out")
    found = plain.surroundings(ARCH)
    changed = {
        "another Dockerfile": recipe(tmp_path / "another", f"{FROM}RUN touch /changed\n"),
        "other packages": recipe(tmp_path / "fewer", FEWER),
        "another list": recipe(tmp_path / "list", packages="# none\n# another\n"),
    }
    others = {what: engine(folder, tmp_path / "out").surroundings(ARCH) for what, folder in changed.items()}
    assert len({found, *others.values()}) == 4
    # What only the other role's image is made by does not count.
    assert engine(changed["another list"], tmp_path / "out").toolchain(ARCH, VERSION, compiles=True) == plain.toolchain(
        ARCH, VERSION, compiles=True
    )


def test_another_machine_with_the_same_packages_finds_the_same_and_an_altered_note_is_not_believed(
    tmp_path: Path,
) -> None:
    here = engine(recipe(tmp_path / "here"), tmp_path / "out")
    elsewhere = "python-runtime-builder/base:elsewhere"
    found = here.surroundings(ARCH)
    Endpoint("").client.images.build(fileobj=io.BytesIO(f"FROM {BASE}\nLABEL made=elsewhere\n".encode()), tag=elsewhere)
    there = engine(recipe(tmp_path / "there"), tmp_path / "elsewhere", elsewhere)
    assert there.surroundings(ARCH) == found
    notes = [[path.name for path in (tmp_path / name / "cache" / "images").iterdir()] for name in ("out", "elsewhere")]
    assert notes[0] != notes[1]
    (note,) = (tmp_path / "out" / "cache" / "images").iterdir()
    note.write_text(note.read_text().translate(str.maketrans("0123456789", "1234567890")))
    assert here.surroundings(ARCH) == found


def test_a_mirrors_password_is_in_no_image_and_no_log(tmp_path: Path) -> None:
    reached = "RUN --mount=type=secret,id=debian_mirror grep -q s3cret /run/secrets/debian_mirror\n"
    new = f"LABEL run={uuid4()}\n"  # else an earlier run's image is taken as it is, and nothing is logged
    folder = recipe(tmp_path / "recipe", FROM + reached + new)
    image = BuilderImage(folder, BASE, "http://me:s3cret@mirror/debian", NETWORK)
    made = image.ensure(Endpoint(""), Role.BUILDER, ARCH, Console(stream=io.StringIO()), tmp_path / "logs")
    logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert "buildx build" in logs
    assert "s3cret@" not in json.dumps(made.history()) + json.dumps(made.attrs) + logs
