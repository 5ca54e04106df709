"""SHA256SUMS: it lists what was packed, whatever became of it since, and is signed where there is a key."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest

from builder.console import Console
from builder.pipeline import stores
from builder.pipeline.artifacts import ArtifactShelf
from builder.pipeline.pipeline import Pipeline
from builder.targets import Arch, Target, Variant
from builder.trust.sshsig import fingerprint, sign
from builder.trust.sums import NAMESPACE, SIGNATURE, SUMS
from tests.support.factories import across, checkout, project
from tests.support.recorder import Recorder
from tests.support.signing import key_of, line, private_text, ssh_keygen_verifies

KEY, NEXT = key_of(1), key_of(2)
AMD64, ARM64 = "prt_v0_amd64.tgz", "prt_v0_arm64.tgz"


def publish(folder: Path, name: str, content: bytes | None = None) -> ArtifactShelf:
    """Put an artifact into a folder, by default one with its name as content."""
    part = folder / f"{name}.part"
    part.write_bytes(name.encode() if content is None else content)
    shelf = ArtifactShelf(folder)
    shelf.publish(part, name, "key", 1)
    return shelf


def summed(folder: Path) -> list[str]:
    """The lines of the list, without the digests of what has its name as content."""
    lines = (folder / SUMS).read_text().splitlines()
    return [line.removeprefix(f"{hashlib.sha256(line[66:].encode()).hexdigest()}  ") for line in lines]


def sha256sum(folder: Path) -> str:
    """What sha256sum says of the folder's list."""
    done = subprocess.run(
        ["sha256sum", "--strict", "--check", SUMS], cwd=folder, check=False, capture_output=True, text=True
    )
    return f"{done.returncode} {done.stdout}"


@pytest.mark.needs("sha256sum")
def test_sha256sum_checks_what_a_build_left(tmp_path: Path) -> None:
    publish(tmp_path, AMD64)
    publish(tmp_path, ARM64).sum_up(None)
    assert sha256sum(tmp_path) == f"0 {AMD64}: OK\n{ARM64}: OK\n"
    (tmp_path / ARM64).write_bytes(b"altered")
    assert sha256sum(tmp_path) == f"1 {AMD64}: OK\n{ARM64}: FAILED\n"


@pytest.mark.needs("sha256sum")
def test_a_digest_is_of_what_was_packed_and_not_of_what_is_there_later(tmp_path: Path) -> None:
    shelf = publish(tmp_path, AMD64)
    (tmp_path / AMD64).write_bytes(b"altered before it was summed up")
    shelf.sum_up(KEY)
    publish(tmp_path, ARM64).sum_up(KEY)
    assert summed(tmp_path) == [AMD64, ARM64]
    assert sha256sum(tmp_path) == f"1 {AMD64}: FAILED\n{ARM64}: OK\n"


def test_lines_of_other_targets_stay_while_their_files_do(tmp_path: Path) -> None:
    publish(tmp_path, AMD64).sum_up(None)
    publish(tmp_path, ARM64).sum_up(None)
    assert summed(tmp_path) == [AMD64, ARM64]
    (tmp_path / AMD64).unlink()
    publish(tmp_path, "prt_v0_arm64.deb").sum_up(None)
    assert summed(tmp_path) == ["prt_v0_arm64.deb", ARM64]


def test_what_somebody_writes_into_the_list_is_neither_kept_nor_signed(tmp_path: Path) -> None:
    shelf = publish(tmp_path, AMD64)
    shelf.sum_up(KEY)
    whole = (tmp_path / SUMS).read_bytes()
    (tmp_path / "evil.tgz").touch()
    (tmp_path / SUMS).write_bytes(whole + b"0" * 64 + b"  evil.tgz\n")
    assert shelf.sum_up(KEY)
    assert (tmp_path / SUMS).read_bytes() == whole


def test_a_build_that_is_killed_leaves_no_line_that_does_not_fit(tmp_path: Path) -> None:
    publish(tmp_path, ARM64)
    publish(tmp_path, AMD64).sum_up(KEY)
    publish(tmp_path, AMD64, b"another build of it")  # and killed here
    assert summed(tmp_path) == [ARM64]
    assert not (tmp_path / SIGNATURE).exists()
    assert ArtifactShelf(tmp_path).sum_up(KEY)  # as the next one does
    assert sha256sum(tmp_path) == f"0 {AMD64}: OK\n{ARM64}: OK\n"


def test_the_file_and_its_record_are_replaced_while_no_list_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, AMD64).sum_up(KEY)

    def killed(*paths: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("builder.pipeline.artifacts.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, AMD64, b"another build of it")
    assert not (tmp_path / SUMS).exists()
    assert not (tmp_path / SIGNATURE).exists()


def test_a_record_that_is_damaged_lists_nothing(tmp_path: Path) -> None:
    publish(tmp_path, AMD64)
    shelf = publish(tmp_path, ARM64)
    record = tmp_path / "cache" / "artifacts" / f"{ARM64}.json"
    said = json.loads(record.read_text())
    for wrong in ({"sha256": "0"}, {"sha256": 5}, {"sha256": f"{'0' * 64}  x\n{'0' * 64}"}, {"name": AMD64}):
        record.write_text(json.dumps({**said, **wrong}))
        shelf.sum_up(None)
        assert summed(tmp_path) == [AMD64]


def test_several_builds_at_once_are_all_listed(tmp_path: Path) -> None:
    names = [f"prt_v{number}_amd64.tgz" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        for signed in pool.map(lambda name: publish(tmp_path, name).sum_up(KEY), names):
            assert signed in (True, False)
    assert summed(tmp_path) == sorted(names)
    assert (tmp_path / SIGNATURE).read_bytes() == sign(KEY, (tmp_path / SUMS).read_bytes(), NAMESPACE)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_one_build_waits_for_the_other(tmp_path: Path) -> None:
    shelf = publish(tmp_path, AMD64)
    summing = threading.Thread(target=shelf.sum_up, args=(None,))
    with filelock.FileLock(tmp_path / "cache" / "locks" / "artifacts.lock"):
        summing.start()
        summing.join(0.3)
        assert summing.is_alive()
        assert not (tmp_path / SUMS).exists()
    summing.join()
    assert summed(tmp_path) == [AMD64]


def test_without_a_key_nothing_is_signed_and_a_signature_stays_as_long_as_it_fits(tmp_path: Path) -> None:
    shelf = publish(tmp_path, AMD64)
    assert not shelf.sum_up(None)
    assert not (tmp_path / SIGNATURE).exists()
    assert shelf.sum_up(KEY)
    assert not shelf.sum_up(None)
    assert (tmp_path / SIGNATURE).exists()
    assert not publish(tmp_path, ARM64).sum_up(None)
    assert not (tmp_path / SIGNATURE).exists()


def test_with_another_key_it_is_signed_again_and_with_the_same_once(tmp_path: Path) -> None:
    shelf = publish(tmp_path, AMD64)
    assert [shelf.sum_up(key) for key in (KEY, KEY, NEXT, NEXT)] == [True, False, True, False]
    (tmp_path / SIGNATURE).write_text("damaged")
    assert shelf.sum_up(NEXT)
    assert (tmp_path / SIGNATURE).read_bytes() == sign(NEXT, (tmp_path / SUMS).read_bytes(), NAMESPACE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which nothing was built yet, with our own texts of a Debian package."""
    shutil.copytree(Path(__file__).parents[3] / "recipes" / "deb", tmp_path / "recipes" / "deb")
    return checkout(tmp_path)


def build(root: Path, deb: bool = False, **values: str) -> str:
    """Build a runtime with canned bytes; what the user sees."""
    console = Console(stream=io.StringIO(), verbose=True)
    given = project(root, **values)
    pipeline = Pipeline(given, Recorder(), console, stores.source_shelf(given, console.say))
    (pipeline.deb if deb else pipeline.build)(Target(Variant.RUNTIME, Arch.AMD64))
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


@pytest.mark.needs("ssh-keygen", "sha256sum")
@pytest.mark.parametrize("deb", [False, True])
def test_what_a_build_signs_openssh_verifies_and_a_second_build_changes_nothing(root: Path, deb: bool) -> None:
    said = build(root, deb, SIGNING_KEY=private_text(KEY))
    out = root / "out"
    content, signature = (out / SUMS).read_bytes(), (out / SIGNATURE).read_bytes()
    assert ssh_keygen_verifies(root, line("releases", KEY), content, signature)
    assert not ssh_keygen_verifies(root, line("releases", NEXT), content, signature)
    assert f"SHA256SUMS: signed by {fingerprint(KEY.public_key())}\n" in said
    assert sha256sum(out).startswith("0 ")
    assert content.count(b"\n") == 4 + 2 * deb
    before = (out / SUMS).stat().st_mtime_ns, (out / SIGNATURE).stat().st_mtime_ns
    assert "signed" not in build(root, deb, SIGNING_KEY=private_text(KEY))
    assert before == ((out / SUMS).stat().st_mtime_ns, (out / SIGNATURE).stat().st_mtime_ns)
    assert f"signed by {fingerprint(NEXT.public_key())}" in build(root, deb, SIGNING_KEY=private_text(NEXT))


def test_what_was_built_before_is_listed_by_the_next_build_that_finds_it(root: Path) -> None:
    build(root)
    whole = (root / "out" / SUMS).read_bytes()
    (root / "out" / SUMS).unlink()
    assert "up to date" in build(root)
    assert (root / "out" / SUMS).read_bytes() == whole


def test_nothing_of_the_key_is_in_what_a_build_writes_or_says(root: Path) -> None:
    said = build(root, SIGNING_KEY=private_text(KEY))
    raw = KEY.private_bytes_raw()
    secrets = [*private_text(KEY).encode().splitlines()[3:-1], raw, raw.hex().encode()]
    written = {path: path.read_bytes() for path in (root / "out").rglob("*") if path.is_file()}
    assert len(written) > 10
    assert [path for path, text in written.items() if any(one in text for one in secrets)] == []
    assert [one for one in secrets if one in said.encode()] == []


def test_the_key_changes_no_other_key(tmp_path: Path) -> None:
    plain = across(tmp_path)
    signing = plain.set(SIGNING_KEY=private_text(KEY), SIGNING="require")
    assert signing.settings.signing_key
    assert {name: one.key for name, one in signing.stages().items()} == {
        name: one.key for name, one in plain.stages().items()
    }
    assert signing.plan().manifest == plain.plan().manifest
