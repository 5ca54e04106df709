"""A package is proved: where, with what, and what a failed check leaves of the others."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import pytest
from cryptography import x509

from builder.console import Console
from builder.errors import BuildError
from builder.proof.prover import Outcome, Prover, certificates
from builder.targets import Arch, Format, Target, Variant
from tests.support.factories import checkout, project
from tests.support.recorder import Answer, Recorder

TARGET = Target(Variant.RUNTIME, Arch.AMD64)
ARCHIVE = "prt_v0_amd64.tgz"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a package that was never built."""
    out = checkout(tmp_path) / "out"
    out.mkdir()
    for name in (ARCHIVE, "prt_v0_amd64.manifest.json", "prt_0_amd64.deb", "prt-dev_0_amd64.deb"):
        (out / name).write_text(name)
    return tmp_path


def prover(root: Path, engine: Recorder, **values: str) -> Prover:
    return Prover(project(root, **values), engine, Console(stream=io.StringIO()))


def prove(root: Path, engine: Recorder, **values: str) -> list[Outcome]:
    return prover(root, engine, **values).prove(TARGET, Format.TAR, [ARCHIVE])


def test_the_checks_run_in_a_fresh_place_with_the_package_in_it(root: Path) -> None:
    engine = Recorder(name="docker")
    outcomes = prove(root, engine)
    (place,) = engine.testbeds
    assert (place.image, place.arch, place.open) == ("a system", Arch.AMD64, False)
    assert engine.workplaces == []
    assert place.items["package.deb"].content == root / "out" / ARCHIVE
    assert place.items["published-manifest.json"].content == root / "out" / "prt_v0_amd64.manifest.json"
    assert [one.check for one in outcomes] == [step.name for step in place.steps][2:]
    assert {one.problem for one in outcomes} == {""}


def test_each_test_image_gets_every_check(root: Path) -> None:
    outcomes = prove(root, Recorder(name="docker"), TEST_IMAGE="debian:bookworm-slim  mine:{arch}")
    by_image = {
        image: [one.check for one in outcomes if one.image == image] for image in ("debian:bookworm-slim", "mine:amd64")
    }
    assert by_image["debian:bookworm-slim"] == by_image["mine:amd64"] != []
    assert len(outcomes) == sum(map(len, by_image.values()))


def test_images_are_proved_side_by_side_and_each_line_names_its_image(root: Path) -> None:
    proving = prover(root, Recorder(name="docker", side_by_side=2), TEST_IMAGE="one two three")
    outcomes = proving.prove(TARGET, Format.TAR, [ARCHIVE])
    assert [*dict.fromkeys(one.image for one in outcomes)] == ["one", "two", "three"]
    assert isinstance(proving.console.stream, io.StringIO)
    lines = proving.console.stream.getvalue().splitlines()
    assert {line.partition(": ")[0] for line in lines} == {"one", "two", "three"}
    checks = [len([one for one in outcomes if one.image == image]) for image in ("one", "two", "three")]
    assert len({*checks}) == 1


def test_a_failed_check_keeps_its_output_and_the_others_run(root: Path) -> None:
    engine = Recorder(answers={"TLS": Answer(1, ("TLS", "  expected: a", "  seen:     b")), "SQLite": Answer(1)})
    outcomes = {one.check: one.problem for one in prove(root, engine)}
    assert outcomes["TLS"] == "TLS\n  expected: a\n  seen:     b"
    assert outcomes["SQLite"] == "it failed without output"
    assert [name for name, problem in outcomes.items() if problem] == ["TLS", "SQLite"]


def test_what_can_not_be_installed_is_not_checked(root: Path) -> None:
    engine = Recorder(answers={"unpack": Answer(2, ("no space",))})
    (outcome,) = prove(root, engine)
    assert (outcome.check, outcome.problem) == ("unpack", "no space")


def test_a_debian_package_and_the_one_it_is_exchanged_for_are_brought(root: Path) -> None:
    engine = Recorder(name="docker")
    debs = ["prt-dev_0_amd64.deb", "prt_0_amd64.deb"]
    (root / "out" / "prt-dev_v0_amd64.manifest.json").touch()
    prover(root, engine).prove(Target(Variant.RUNTIME_DEV, Arch.AMD64), Format.DEB, debs)
    items = engine.testbeds[0].items
    assert [items[name].content for name in ("package.deb", "other.deb")] == [root / "out" / name for name in debs]


def test_only_containers_prove_debian_packages(root: Path) -> None:
    reason = prover(root, Recorder(isolated=False)).why_not(Format.DEB)
    assert reason
    assert "in a container" in reason
    assert prover(root, Recorder(isolated=False)).why_not(Format.TAR) is None
    assert prover(root, Recorder(name="docker")).why_not(Format.DEB) is None


def test_a_command_finds_the_package_installed_and_nothing_else(root: Path) -> None:
    engine = Recorder(name="docker", answers={"python": Answer(3)})
    with prover(root, engine, TEST_IMAGE="one:1 two:2").installed(TARGET, ARCHIVE) as place:
        assert place.attach(["python", "-V"]) == 3
    (bed,) = engine.testbeds
    assert bed.image == "one:1"
    assert [*bed.items] == ["package.deb"]
    assert [step.name for step in bed.steps] == ["make PRT_ROOT", "unpack"]


def test_a_package_that_can_not_be_installed_runs_no_command(root: Path) -> None:
    engine = Recorder(answers={"unpack": Answer(1, ("not gzip",))})
    with pytest.raises(BuildError, match="not gzip"), prover(root, engine).installed(TARGET, ARCHIVE):
        pytest.fail("it was installed")


def test_the_certificates_are_for_localhost_one_of_them_expired_and_new_each_time() -> None:
    def read() -> dict[str, bytes]:
        return {item.name: item.content for item in certificates() if isinstance(item.content, bytes)}

    first, now = read(), datetime.datetime.now(datetime.UTC)
    good, expired = (x509.load_pem_x509_certificate(first[f"tls/{name}.pem"]) for name in ("server", "expired"))
    ca = x509.load_pem_x509_certificate(first["tls/ca.pem"])
    assert good.issuer == expired.issuer == ca.subject
    assert expired.not_valid_after_utc < now < good.not_valid_after_utc
    assert {*first} == {"tls/ca.pem", "tls/server.pem", "tls/expired.pem"}
    assert first["tls/ca.pem"] != read()["tls/ca.pem"]
