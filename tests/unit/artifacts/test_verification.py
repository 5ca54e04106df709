"""Finished files are checked: what is right, what nobody checked, and each thing that can be wrong, in a sentence."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builder.artifacts.verification import Kind, Verifier
from builder.inputs.choices import Signing
from builder.pipeline.artifacts import ArtifactShelf
from builder.sessions import opening
from builder.sessions import verify as session
from builder.sessions.opening import SessionFailed
from builder.trust import signers, statement
from builder.trust.key import load
from builder.trust.sshsig import fingerprint, sign
from builder.trust.sums import SIGNATURE, SUMS, TREE_SUMS
from tests.support.factories import checkout
from tests.support.sessions import given
from tests.support.signing import key_of, line

ROOT = Path(__file__).parents[3]
KEY, OTHER = key_of(1), key_of(2)
NAMES = ("prt_v0_amd64.cdx.json", "prt_v0_amd64.deb", "prt_v0_amd64.manifest.json", "prt_v0_amd64.tgz")
ARCHIVE = NAMES[-1]
PROVENANCE = "prt_v0_amd64.provenance.json"
NOW = datetime.now(UTC)
YESTERDAY = f"{NOW - timedelta(days=1):%Y%m%d}"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with finished files, whose sums are signed; the package has a provenance of its own."""
    folder = tmp_path / "out"
    folder.mkdir()
    made = {name: hashlib.sha256(f"the {name}".encode()).hexdigest() for name in NAMES}
    package = {name: made.pop(name) for name in NAMES if name.endswith(".deb")}
    contents = {name: f"the {name}".encode() for name in NAMES}
    contents |= {PROVENANCE: statement.encoded(made, {}), f"{NAMES[1]}.provenance.json": statement.encoded(package, {})}
    for name, content in contents.items():
        publish(folder, name, content)
    ArtifactShelf(folder).sum_up(KEY)
    return folder


def publish(folder: Path, name: str, content: bytes) -> None:
    """Put a finished file into a folder, with others or in the place of one."""
    part = folder / "some.part"
    part.write_bytes(content)
    ArtifactShelf(folder).publish(part, name, "key", 1)


def verifier(folder: Path, allowed: str = line("releases", KEY), signing: Signing = Signing.PREFER) -> Verifier:
    """One that trusts these keys."""
    path = folder / signers.FILE
    path.write_text(allowed)
    return Verifier(signers.read(path), signing, NOW)


def wrong(verifier: Verifier, *paths: Path) -> list[str]:
    """What is wrong with files, or with trees."""
    trees = [path for path in paths if path.is_dir()]
    found = [*verifier.files(paths)] if not trees else [one for tree in trees for one in verifier.tree(tree)]
    return [one.text for one in found if one.kind is Kind.WRONG]


def said(verifier: Verifier, kind: Kind, *paths: Path) -> list[str]:
    """The findings of another kind."""
    return [one.text for one in verifier.files(paths) if one.kind is kind]


@pytest.mark.parametrize("signing", Signing)
def test_every_kind_of_file_is_right_and_signed_as_a_build_leaves_it(out: Path, signing: Signing) -> None:
    one = verifier(out.parent, signing=signing)
    paths = [out / name for name in NAMES]
    assert wrong(one, *paths) == []
    stated = {name: f"{name}.provenance.json" if name.endswith(".deb") else PROVENANCE for name in NAMES}
    good = [
        sentence
        for path in paths
        for sentence in (
            f"{path} has the sha256 that {out / SUMS} lists",
            f"{path} has the sha256 that {stated[path.name]} states",
        )
    ]
    signed = [] if signing is Signing.OFF else [f"{out / SUMS} is signed by releases ({fingerprint(KEY.public_key())})"]
    assert said(one, Kind.GOOD, *paths) == [*signed, *good]
    notes = [f"{out / SIGNATURE} was not looked at (SIGNING=off): nothing shows who made the files"]
    assert said(one, Kind.NOTE, *paths) == (notes if signing is Signing.OFF else [])


def test_the_sums_themselves_may_be_asked_for(out: Path) -> None:
    assert wrong(verifier(out.parent), out / SUMS, out / SIGNATURE) == []
    (out / SIGNATURE).write_bytes(sign(OTHER, (out / SUMS).read_bytes(), "git"))
    assert len(wrong(verifier(out.parent), out / SUMS)) == 1


def flip(path: Path, place: int, bit: int = 1) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= bit
    path.write_bytes(content)


def linked(path: Path, target: str) -> None:
    """Put a link in a file's place."""
    path.unlink()
    path.symlink_to(target)


def piped(path: Path) -> None:
    """Put a pipe into a place, which may have a file."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def resign(folder: Path, number: int = 2, purpose: str = "sums@python-runtime-builder") -> None:
    """Have another key sign the sums."""
    (folder / SIGNATURE).write_bytes(sign(key_of(number), (folder / SUMS).read_bytes(), purpose))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "an altered file": (
        lambda out: flip(out / ARCHIVE, 3),
        f"out/{ARCHIVE} was altered: its sha256 is not the one that SHA256SUMS lists",
    ),
    "a file that is gone": (
        lambda out: (out / ARCHIVE).unlink(),
        f"out/{ARCHIVE} can't be read: No such file or directory",
    ),
    "missing sums": (
        lambda out: (out / SUMS).unlink(),
        f"out/{ARCHIVE} has no SHA256SUMS next to it: nothing says what was packed",
    ),
    "damaged sums": (
        lambda out: flip(out / SUMS, 65),
        "out/SHA256SUMS can't be read: line 1 is none of sha256sum's",
    ),
    "sums without an end": (
        lambda out: linked(out / SUMS, "/dev/zero"),
        "out/SHA256SUMS can't be read: not a regular file",
    ),
    "another key": (
        resign,
        f"out/SHA256SUMS.sig is by a key that is not trusted: {fingerprint(OTHER.public_key())}",
    ),
    "another purpose": (
        lambda out: resign(out, 1, "git"),
        "out/SHA256SUMS.sig is for another purpose: git",
    ),
    "a signature of other sums": (
        lambda out: (out / SIGNATURE).write_bytes(sign(KEY, b"", "sums@python-runtime-builder")),
        f"out/SHA256SUMS.sig does not fit: it, or what releases ({fingerprint(KEY.public_key())}) signed, was altered",
    ),
    "a signature that is none": (
        lambda out: (out / SIGNATURE).write_text("signed, honestly"),
        "out/SHA256SUMS.sig is no signature: it does not begin and end as a signature of ssh-keygen",
    ),
    "a signature without an end": (
        lambda out: (out / SIGNATURE).write_bytes((out / SIGNATURE).read_bytes() * 20),
        "out/SHA256SUMS.sig is no signature: has more than 4,096 bytes",
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_each_damage_is_its_own_sentence(out: Path, how: str) -> None:
    damage, sentence = DAMAGE[how]
    one = verifier(out.parent)
    assert wrong(one, out / ARCHIVE) == []
    damage(out)
    assert wrong(one, out / ARCHIVE) == [f"{out.parent}/{sentence}"]


def test_a_file_that_is_not_listed_is_named(out: Path) -> None:
    (out / "evil.tgz").touch()
    assert wrong(verifier(out.parent), out / "evil.tgz") == [f"{out}/evil.tgz is not listed in {out / SUMS}"]


def test_a_flipped_bit_in_the_signature_does_not_fit(out: Path) -> None:
    lines = (out / SIGNATURE).read_text().splitlines()
    last = lines[-2]  # the signature itself; what is before it says whose it is, and for what
    lines[-2] = ("A" if last[5] != "A" else "B").join((last[:5], last[6:]))
    (out / SIGNATURE).write_text("\n".join((*lines, "")))
    (problem,) = wrong(verifier(out.parent), out / ARCHIVE)
    assert problem.startswith(f"{out / SIGNATURE} does not fit: ")


def test_an_altered_line_does_not_fit_even_where_the_file_was_altered_alike(out: Path) -> None:
    (out / ARCHIVE).write_text("evil")
    old = hashlib.sha256(f"the {ARCHIVE}".encode()).hexdigest()
    honest = (out / PROVENANCE).read_bytes()
    lies = honest.replace(old.encode(), hashlib.sha256(b"evil").hexdigest().encode())
    (out / PROVENANCE).write_bytes(lies)
    forged = (out / SUMS).read_text().replace(old, hashlib.sha256(b"evil").hexdigest())
    (out / SUMS).write_text(forged.replace(hashlib.sha256(honest).hexdigest(), hashlib.sha256(lies).hexdigest()))
    (problem,) = wrong(verifier(out.parent), out / ARCHIVE)
    assert problem.startswith(f"{out / SIGNATURE} does not fit: ")
    (out / SIGNATURE).unlink()  # which only a signature shows
    assert wrong(verifier(out.parent), out / ARCHIVE) == []


def test_a_file_without_provenance_is_no_failure_and_that_is_said(out: Path) -> None:
    publish(out, PROVENANCE, statement.encoded({"prt_v0_amd64.symbols.tgz": "0" * 64}, {}))
    ArtifactShelf(out).sum_up(KEY)
    assert wrong(verifier(out.parent), out / ARCHIVE, out / PROVENANCE) == []
    assert said(verifier(out.parent), Kind.NOTE, out / ARCHIVE, out / PROVENANCE) == [
        f"{out / ARCHIVE} is not named in {out / PROVENANCE}: nothing says what it was made from"
    ]
    (out / PROVENANCE).unlink()
    assert said(verifier(out.parent), Kind.NOTE, out / ARCHIVE) == [
        f"{out / ARCHIVE} has no provenance next to it: nothing says what it was made from"
    ]


def test_of_a_file_that_was_altered_no_provenance_says_anything_good(out: Path) -> None:
    flip(out / ARCHIVE, 0)
    assert said(verifier(out.parent), Kind.GOOD, out / ARCHIVE) == [
        f"{out / SUMS} is signed by releases ({fingerprint(KEY.public_key())})"
    ]


STATEMENTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "of another file": (
        lambda content: statement.encoded({ARCHIVE: "0" * 64}, {}),
        f"is of another {ARCHIVE}: it states another sha256 than SHA256SUMS lists",
    ),
    "of something else": (
        lambda content: content.replace(b"slsa.dev/provenance/v1", b"spdx.dev/Document"),
        "can't be read: it is no in-toto statement of SLSA's provenance, version 1",
    ),
    "that is cut off": (lambda content: content[:-9], "can't be read: "),
    "that is a list": (lambda content: b"[]", "can't be read: it is no in-toto statement of SLSA's provenance"),
    "that is nested": (lambda content: b"[" * 100_000, "can't be read: it is nested too deeply"),
    "without digests": (
        lambda content: content.replace(b'"sha256"', b'"md5"'),
        "can't be read: it names a file twice, or without a sha256",
    ),
    "with two digests for a file": (
        lambda content: content.replace(NAMES[0].encode(), ARCHIVE.encode()),
        "can't be read: it names a file twice, or without a sha256",
    ),
}


@pytest.mark.parametrize("how", STATEMENTS)
def test_a_provenance_that_is_wrong_is_its_own_sentence_even_where_it_was_signed(out: Path, how: str) -> None:
    change, sentence = STATEMENTS[how]
    publish(out, PROVENANCE, change((out / PROVENANCE).read_bytes()))
    ArtifactShelf(out).sum_up(KEY)
    (problem,) = wrong(verifier(out.parent), out / ARCHIVE)
    assert problem.startswith(f"{out / PROVENANCE} {sentence}")


def test_a_provenance_that_the_sums_do_not_list_says_nothing(out: Path) -> None:
    (out / PROVENANCE).write_bytes((out / PROVENANCE).read_bytes() + b" ")
    assert wrong(verifier(out.parent), out / ARCHIVE) == [
        f"{out / PROVENANCE} is not the file that SHA256SUMS lists, and says nothing of {ARCHIVE}"
    ]
    assert wrong(verifier(out.parent), out / PROVENANCE) == [
        f"{out / PROVENANCE} was altered: its sha256 is not the one that SHA256SUMS lists"
    ]
    linked(out / PROVENANCE, "/dev/zero")
    assert wrong(verifier(out.parent), out / ARCHIVE) == [f"{out / PROVENANCE} can't be read: not a regular file"]


@pytest.mark.parametrize(
    ("allowed", "sentence"),
    [
        ("", "is by a key that is not trusted: SHA256:"),
        (line("releases", KEY, f'valid-before="{YESTERDAY}"'), "whose key expired: it was trusted until "),
        (line("releases", KEY, 'valid-after="20990101"'), "whose key is trusted from 2099-01-01"),
        (line("releases", KEY, 'namespaces="git"'), "who is trusted for git only"),
    ],
)
def test_a_key_that_is_not_trusted_now_is_its_own_sentence(out: Path, allowed: str, sentence: str) -> None:
    (problem,) = wrong(verifier(out.parent, allowed), out / ARCHIVE)
    assert problem.startswith(f"{out / SIGNATURE} is by ")
    assert sentence in problem
    assert wrong(verifier(out.parent, allowed, Signing.OFF), out / ARCHIVE) == []


def test_the_old_key_counts_next_to_the_new_one_until_its_end(out: Path) -> None:
    tomorrow = f"{NOW + timedelta(days=2):%Y%m%d}"
    assert (
        wrong(verifier(out.parent, line("new", OTHER) + line("old", KEY, f'valid-before="{tomorrow}"')), out / ARCHIVE)
        == []
    )
    ArtifactShelf(out).sum_up(OTHER)  # as the next build does
    assert wrong(verifier(out.parent, line("new", OTHER)), out / ARCHIVE) == []


def test_what_is_unsigned_fails_where_a_signature_is_required_and_else_proves_no_origin(out: Path) -> None:
    (out / SIGNATURE).unlink()
    assert wrong(verifier(out.parent, signing=Signing.REQUIRE), out / ARCHIVE) == [
        f"{out / SUMS} is not signed, and SIGNING=require wants it: build with SIGNING_KEY"
    ]
    prefer = verifier(out.parent)
    assert wrong(prefer, out / ARCHIVE) == []
    assert said(prefer, Kind.NOTE, out / ARCHIVE) == [
        f"{out / SUMS} is not signed: it proves no origin, because whoever alters a file can alter it as well"
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An unpacked runtime."""
    root = tmp_path / "prt"
    for name in ("bin/python3.14", "lib/a b.py", "lib/x.py", "manifest.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"the {name}")
    (root / "bin" / "python3").symlink_to("python3.14")
    (root / "lib64").symlink_to("lib")
    digests = subprocess.run(
        "find . -type f -printf '%P\\0' | xargs -0 sha256sum", shell=True, cwd=root, check=True, capture_output=True
    ).stdout
    (root / "sha256sums").write_bytes(digests)
    return root


def test_the_list_of_a_tree_is_the_one_that_a_build_writes() -> None:
    assert f'LIST = "{TREE_SUMS}"' in (ROOT / "builder" / "inside" / "write_doctor.py").read_text()


def test_a_tree_is_right_and_what_was_not_checked_is_said(tmp_path: Path, tree: Path) -> None:
    assert [(one.kind.value, one.text) for one in verifier(tmp_path).tree(tree)] == [
        ("ok", f"{tree}: all 4 files have the sha256 that sha256sums lists, and there are no others"),
        (
            "note",
            f"{tree}: 2 links, and the modes and owners of files, are not in sha256sums, and were not checked",
        ),
        (
            "note",
            f"{tree}/sha256sums is not signed: it proves no origin, because whoever alters a file can alter it as well",
        ),
    ]
    (sentence,) = wrong(verifier(tmp_path, signing=Signing.REQUIRE), tree)
    assert sentence == (
        f"{tree}/sha256sums is not signed, and SIGNING=require wants it: compare it with the one in a signed archive"
    )


def moved(tree: Path) -> None:
    """Put a link in the place of a folder, to one with the same files."""
    (tree / "lib").rename(tree.parent / "elsewhere")
    (tree / "lib").symlink_to(tree.parent / "elsewhere")


TREES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "altered": (
        lambda tree: flip(tree / "lib/x.py", 0),
        ["/lib/x.py was altered: its sha256 is not the one that sha256sums lists"],
    ),
    "missing": (lambda tree: (tree / "lib/a b.py").unlink(), ["/lib/a b.py is missing"]),
    "added": (
        lambda tree: (tree / "lib/evil.pth").touch(),
        ["/lib/evil.pth is not in sha256sums: it was added since"],
    ),
    "a second list": (
        lambda tree: (tree / "lib/sha256sums").touch(),
        ["/lib/sha256sums is not in sha256sums: it was added since"],
    ),
    "a link in place of a file": (
        lambda tree: linked(tree / "lib/x.py", "../manifest.json"),
        ["/lib/x.py is a link, and was packed as a file"],
    ),
    "a link out of the tree": (
        lambda tree: linked(tree / "bin/python3", "/usr/bin/env"),
        ["/bin/python3 is a link to /usr/bin/env, out of the tree"],
    ),
    "a link in place of a folder": (
        moved,
        [
            "/lib is a link to {}/elsewhere, out of the tree",
            "/lib/a b.py is missing",
            "/lib/x.py is missing",
            "/lib64 is a link to {}/elsewhere, out of the tree",
        ],
    ),
    "a pipe": (
        lambda tree: piped(tree / "bin/pipe"),
        ["/bin/pipe is neither a file, a folder nor a link"],
    ),
    "a pipe in place of a file": (
        lambda tree: piped(tree / "lib/x.py"),
        ["/lib/x.py is neither a file, a folder nor a link"],
    ),
}


@pytest.mark.parametrize("how", TREES)
def test_each_damage_of_a_tree_is_its_own_sentence(tmp_path: Path, tree: Path, how: str) -> None:
    damage, sentences = TREES[how]
    assert wrong(verifier(tmp_path), tree) == []
    damage(tree)
    assert wrong(verifier(tmp_path), tree) == [f"{tree}{one.format(tmp_path)}" for one in sentences]


def test_a_tree_without_its_list_or_with_another_is_none(tmp_path: Path, tree: Path) -> None:
    (tree / "sha256sums").write_text("no list\n")
    assert wrong(verifier(tmp_path), tree) == [f"{tree}/sha256sums can't be read: line 1 is none of sha256sum's"]
    (tree / "sha256sums").unlink()
    assert wrong(verifier(tmp_path), tree) == [f"{tree} is no unpacked runtime: it has no sha256sums"]


def test_what_can_not_be_read_is_not_passed_over(tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str) -> object:
        if Path(path).name == "lib":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)  # root may read everything
    assert wrong(verifier(tmp_path), tree) == [
        f"{tree}/lib can't be read: Permission denied", f"{tree}/lib/a b.py is missing", f"{tree}/lib/x.py is missing",
    ]  # fmt: skip


def test_of_many_problems_some_are_shown_and_the_others_counted(tmp_path: Path, tree: Path) -> None:
    for number in range(1234):
        (tree / f"added{number:04}").touch()
    found = wrong(verifier(tmp_path), tree)
    assert len(found) == 21
    assert found[-1] == f"{tree}: and 1,214 more files"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that trusts the key, in which the session runs."""
    folder = checkout(tmp_path / "checkout")
    (folder / "recipes" / signers.FILE).write_text(line("releases", KEY))
    monkeypatch.setattr(opening, "ROOT", folder)
    given(monkeypatch, folder)
    return folder


@pytest.mark.usefixtures("root")
def test_the_session_says_what_was_checked(out: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session.check([str(out / ARCHIVE), str(tree)])
    lines = capsys.readouterr().out.splitlines()
    assert f"ok: {out / SUMS} is signed by releases ({fingerprint(KEY.public_key())})" in lines
    assert f"ok: {out / ARCHIVE} has the sha256 that {out / SUMS} lists" in lines
    assert f"ok: {out / ARCHIVE} has the sha256 that {PROVENANCE} states" in lines
    assert len([line for line in lines if line.startswith("note: ")]) == 2


@pytest.mark.usefixtures("root")
def test_the_session_fails_with_everything_that_is_wrong_in_any_folder(
    tmp_path: Path, out: Path, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(out / ARCHIVE, 0)
    flip(tree / "lib/x.py", 0)
    (tmp_path / "alone.tgz").touch()
    with pytest.raises(SessionFailed) as failed:
        session.check([str(path) for path in (out / ARCHIVE, tmp_path / "alone.tgz", out / NAMES[0], tree)])
    *problems, hint = str(failed.value).splitlines()
    assert problems == [
        f"{tree}/lib/x.py was altered: its sha256 is not the one that sha256sums lists",
        f"{out / ARCHIVE} was altered: its sha256 is not the one that SHA256SUMS lists",
        f"{tmp_path}/alone.tgz has no SHA256SUMS next to it: nothing says what was packed",
    ]
    assert hint.startswith("  → don't use what is named here")
    assert f"ok: {out / NAMES[0]} has the sha256 that " in capsys.readouterr().out


def test_the_session_requires_a_signature_where_the_setting_says_so(
    root: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / SIGNATURE).unlink()
    session.check([str(out / ARCHIVE)])
    given(monkeypatch, root, SIGNING="require")
    with pytest.raises(SessionFailed, match="is not signed, and SIGNING=require wants it"):
        session.check([str(out / ARCHIVE)])


def test_a_damaged_file_of_trusted_keys_trusts_nobody(root: Path, out: Path) -> None:
    (root / "recipes" / signers.FILE).write_text("releases\n")
    with pytest.raises(SessionFailed, match=r"allowed_signers:1: this line is none of a trusted key"):
        session.check([str(out / ARCHIVE)])


def test_the_session_wants_a_file(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    with pytest.raises(SystemExit):
        session.check([])
    assert "usage: nox -s verify -- " in capsys.readouterr().err
    assert root.exists()


@pytest.mark.needs("ssh-keygen", "sha256sum", "bash", "tar", "diff")
def test_what_the_page_about_signatures_says_can_be_done(tmp_path: Path, tree: Path) -> None:
    page = (ROOT / "docs" / "verification.md").read_text().replace(" \\\n        ", " ").replace("/prt/", f"{tree}/")
    commands = re.findall(r"(?:^    |`)(cd out .*|ssh-keygen -.*|sha256sum --.*|tar -[^`]*)", page, re.MULTILINE)
    check, make, compare, verify, ignore_missing = commands

    def does(command: str, where: str = ".") -> bool:
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=tmp_path / where, check=False)
        return done.returncode == 0

    assert does(make)
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-czf", tmp_path / "part", "-C", tree, "."], check=True)
    shelf = ArtifactShelf(tmp_path / "out")
    shelf.publish(tmp_path / "part", ARCHIVE, "key", 1)
    shelf.sum_up(load(str(tmp_path / "signing-key")))
    (tmp_path / "out" / "allowed_signers").write_text(
        f"releases@example.org {(tmp_path / 'signing-key.pub').read_text()}"
    )
    checks = [(check, "."), (verify, "out"), (ignore_missing, "out"), (compare, ".")]
    assert [does(*one) for one in checks] == [True, True, True, True]
    (tree / "sha256sums").write_bytes((tree / "sha256sums").read_bytes() + b"\n")
    flip(tmp_path / "out" / ARCHIVE, -1)
    assert [does(*one) for one in checks] == [False, True, False, False]
    (tmp_path / "out" / SUMS).write_bytes(b"")
    assert not does(verify, "out")
