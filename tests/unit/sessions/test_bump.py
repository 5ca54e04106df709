"""The session that moves the pins: what it writes, and when it writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.inputs import pins
from builder.sessions import bump, opening
from builder.sessions.opening import SessionFailed
from builder.sources.releases import INDEX
from tests.support.debian_mirror import DebianMirror, tarball
from tests.support.factories import LIBRARIES, OTHER, TARBALL, checkout
from tests.support.pgp import Keys
from tests.support.sessions import given

pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pins of a checkout whose Debian mirror has a newer zlib."""
    monkeypatch.setattr(opening, "ROOT", checkout(tmp_path))
    given(monkeypatch, tmp_path)
    found = tmp_path / "recipes" / "pins.toml"
    pinned = pins.read(found).libraries["zlib"]
    text = found.read_text()
    rest, _, zlib = text.partition('name = "zlib"')
    place = f"debian:pool/main/x/zlib/zlib_{pinned.version}.orig.tar.xz"
    zlib = zlib.replace("/nowhere/python", place, 1)
    found.write_text(f'# ours\n{rest}name = "zlib"{zlib}')
    mirror = DebianMirror(tmp_path / "mirror")
    mirror.add("99.1", tarball("zlib-99.1"), package="zlib")
    mirror.publish()
    return found


def test_a_newer_library_is_written_and_the_second_time_there_is_nothing_to_do(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bump.renew([])
    assert pins.read(file).libraries["zlib"].version == "99.1"
    assert file.read_text().startswith("# ours\n")
    assert "→ 99.1" in capsys.readouterr().out
    before = file.read_text()
    bump.renew([])
    assert "nothing to change" in capsys.readouterr().out
    assert file.read_text() == before


def test_security_patches_of_the_pinned_version_are_offered_and_go_with_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / "libraries" / "zlib"
    folder.mkdir(parents=True)
    (folder / "10-ours.patch").write_text("ours")
    mirror = DebianMirror(tmp_path / "mirror")
    patch = "Fixes: CVE-2026-1234\n--- a/x\n+++ b/x\n"
    mirror.add(pins.read(file).libraries["zlib"].version, b"", package="zlib", patches={"fix.patch": patch})
    mirror.publish()
    before = file.read_text()
    bump.renew(["--dry-run"])
    assert "libraries/zlib/debian-01-fix.patch: not written (--dry-run)" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir()) == ["10-ours.patch"]
    bump.renew([])
    assert "zlib 1.0: security patches of Debian 1.0-1: CVE-2026-1234" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir()) == ["10-ours.patch", "debian-01-fix.patch"]
    assert file.read_text() == before
    bump.renew([])
    assert "nothing to change" in capsys.readouterr().out
    mirror.add("99.1", tarball("zlib-99.1"), package="zlib", patches={})
    mirror.publish()
    bump.renew([])
    assert pins.read(file).libraries["zlib"].version == "99.1"
    assert sorted(path.name for path in folder.iterdir()) == ["10-ours.patch"]


def test_security_patches_of_an_older_cpython_go_to_that_version_only(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"debian:pool/main/x/python3.13/python3.13_{OTHER.version}.orig.tar.xz"
    head, name, rest = file.read_text().partition(OTHER.file)
    file.write_text(head + name + rest.replace("/nowhere/python", place, 1))
    mirror = DebianMirror(tmp_path / "mirror")
    patch = "Fixes: CVE-2026-1234\n--- a/x\n+++ b/x\n"
    patches = {"multiarch.diff": "--- a/x\n+++ b/x\n", "fix.patch": patch}
    mirror.add(OTHER.version, TARBALL, package="python3.13", patches=patches)
    mirror.publish()
    bump.renew(["--only", "3.13"])
    assert f"CPython {OTHER.version}: security patches of Debian {OTHER.version}-1: " in capsys.readouterr().out
    found = [path.relative_to(file.parent) for path in file.parent.glob("**/debian-*")]
    assert found == [Path("cpython", OTHER.version, "debian-01-fix.patch")]
    bump.renew([])
    assert "nothing to change" in capsys.readouterr().out


@pytest.mark.needs("gpg", "gpgv")
@pytest.mark.parametrize("dry", [True, False])
def test_the_key_that_signed_a_pinned_source_is_pinned_once(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, dry: bool
) -> None:
    keys, content = Keys(tmp_path / "gnupg"), LIBRARIES["zlib"]
    keys.make("upstream")
    mirror = DebianMirror(tmp_path / "mirror")
    version = pins.read(file).libraries["zlib"].version
    signature = keys.sign(content, "upstream")
    mirror.add(version, content, package="zlib", signature=signature, key=keys.public("upstream"))
    mirror.publish()
    before = file.read_text()
    bump.renew(["--dry-run"] if dry else [])
    line = f'signed_by = "{keys.fingerprint("upstream")}"\n'
    said = capsys.readouterr().out
    assert f"zlib {version}: signed by {keys.fingerprint('upstream')}\n" in said
    if dry:
        assert file.read_text() == before
        return
    assert file.read_text().replace(line, "") == before
    assert pins.read(file).libraries["zlib"].signed_by == keys.fingerprint("upstream")
    bump.renew([])
    assert "nothing to change" in capsys.readouterr().out
    mirror.add("99.1", tarball("zlib-99.1"), package="zlib")
    mirror.publish()
    bump.renew([])
    assert "passed over 99.1: Debian has no signature of upstream, and " in capsys.readouterr().out


@pytest.mark.needs("gpg", "gpgv")
def test_with_a_bad_signature_of_what_is_pinned_nothing_is_written(file: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "gnupg")
    keys.make("upstream")
    mirror = DebianMirror(tmp_path / "mirror")
    signature, patches = keys.sign(b"another", "upstream"), {"CVE-2026-1234.patch": "--- a/x\n"}
    version = pins.read(file).libraries["zlib"].version
    mirror.add(
        version, LIBRARIES["zlib"], package="zlib", signature=signature, key=keys.public("upstream"), patches=patches
    )
    mirror.publish()
    with pytest.raises(SessionFailed, match="is no good signature"):
        bump.renew([])
    assert [*file.parent.glob("**/debian-*")] == []


@pytest.mark.parametrize("lost", ["file", "entry"])
def test_a_security_patch_stays_where_debians_can_not_be_read(file: Path, tmp_path: Path, lost: str) -> None:
    patch = file.parent / "libraries" / "zlib" / "debian-01-fix.patch"
    patch.parent.mkdir(parents=True)
    patch.write_text("a fix of an earlier day")
    mirror = DebianMirror(tmp_path / "mirror")
    if lost == "file":
        mirror.add(pins.read(file).libraries["zlib"].version, b"", package="zlib")
    mirror.publish()
    bump.renew([])
    assert patch.read_text() == "a fix of an earlier day"


@pytest.mark.usefixtures("file")
def test_an_index_is_read_once_for_releases_and_patches(capsys: pytest.CaptureFixture[str]) -> None:
    bump.renew([])
    assert capsys.readouterr().out.count(f"note: {INDEX}: ") == 1


def test_a_dry_run_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_text()
    bump.renew(["--dry-run", "--only", "zlib"])
    assert "→ 99.1" in capsys.readouterr().out
    assert file.read_text() == before


def test_only_what_is_asked_for_is_looked_at(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bump.renew(["--only", "openssl"])
    assert "nothing to change" in capsys.readouterr().out
    with pytest.raises(SessionFailed, match=r"--only xz: recipes/pins\.toml has no such source"):
        bump.renew(["--only", "xz"])
    with pytest.raises(SessionFailed, match=r"--only 1\.0: "):  # the version of a library is no series of CPython
        bump.renew(["--only", "1.0"])
    with pytest.raises(SessionFailed, match=r"--only 3\.99: Debian's development suite has no release"):
        bump.renew(["--only", "3.99"])


def test_without_an_index_nothing_is_written(file: Path, tmp_path: Path) -> None:
    before = file.read_text()
    (tmp_path / "mirror" / "dists").rename(tmp_path / "away")
    with pytest.raises(SessionFailed, match=r"no mirror has dists/sid/main/source/Sources\.xz"):
        bump.renew([])
    assert file.read_text() == before
