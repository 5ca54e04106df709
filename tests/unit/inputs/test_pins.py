"""The pins: what each row must say, and that the shipped ones say it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builder.errors import UserError
from builder.inputs import pins
from builder.inputs.pins import Pins
from builder.targets import Arch

FILE = "Python-3.13.5.tar.xz"
SHA256 = hashlib.sha256(b"the source").hexdigest()
PIN = f'version = "3.13.5"\nfile = "{FILE}"\nsha256 = "{SHA256}"\nplaces = ["https://a/x", "debian:pool/x"]\n'
PACKAGES = [("pool/g/libc6_2.31-13+deb11u11_amd64.deb", "1" * 64), ("pool/g/libc6-dev_2.31-13_amd64.deb", "2" * 64)]
SYSROOT = (
    'glibc = "2.31"\nsymbols = ["GLIBCXX_3.4.28"]\nsnapshot = "20240915T000000Z"\namd64 = ['
    + ", ".join(f'{{path = "{p}", sha256 = "{s}"}}' for p, s in PACKAGES)
    + "]\n"
)
LIBRARY = f'[[library]]\nname = "zlib"\nlicense = "Zlib"\n{PIN}'
BUILD = f'[python-build]\nlicense = "MIT"\n{PIN}'
HEADER = ("pool/l/linux-libc-dev_7.2.13-1_all.deb", "4" * 64)
HEADERS = (
    '[headers]\nsnapshot = "20261030T120000Z"\n'
    f'packages = [{{path = "{HEADER[0]}", sha256 = "{HEADER[1]}", license = "GPL-2.0-only"}}]\n'
)
PINS = f"[[python]]\n{PIN}released = 2025-06-11\n{BUILD}{LIBRARY}{HEADERS}[sysroot.bullseye]\n{SYSROOT}"


def read(folder: Path, text: str) -> Pins:
    """Read pins with this text."""
    path = folder / "pins.toml"
    path.write_text(text)
    return pins.read(path)


@pytest.fixture(scope="module")
def shipped() -> Pins:
    """The pins of this repository."""
    return pins.read(Path(__file__).parents[3] / "recipes" / "pins.toml")


def test_pythons_are_read_by_version(tmp_path: Path) -> None:
    found = read(tmp_path, PINS)
    assert list(found.pythons) == ["3.13.5"]
    python = found.pythons["3.13.5"]
    assert (python.name, python.file, python.sha256) == ("CPython", FILE, SHA256)
    assert python.places == ("https://a/x", "debian:pool/x")
    assert (str(python.released), python.license) == ("2025-06-11", "PSF-2.0")
    assert (found.python_build.name, found.python_build.released) == ("python-build", None)


def test_libraries_are_read_by_name_in_their_order_with_their_license(tmp_path: Path) -> None:
    found = read(tmp_path, PINS.replace(LIBRARY, LIBRARY + LIBRARY.replace('"zlib"', '"bzip2"')))
    assert [(name, one.name, one.license) for name, one in found.libraries.items()] == [
        ("zlib", "zlib", "Zlib"), ("bzip2", "bzip2", "Zlib"),
    ]  # fmt: skip


def test_a_sysroot_is_found_by_suite_and_architecture(tmp_path: Path) -> None:
    found = read(tmp_path, PINS).sysroot("bullseye", Arch.AMD64)
    assert (found.suite, found.arch, found.glibc) == ("bullseye", Arch.AMD64, "2.31")


@pytest.mark.parametrize(("suite", "arch"), [("bullseye", Arch.ARM64), ("buster", Arch.AMD64)])
def test_a_sysroot_that_is_not_pinned_is_refused_with_those_that_are(tmp_path: Path, suite: str, arch: Arch) -> None:
    with pytest.raises(
        UserError, match=rf"SYSROOT={suite}: .* has no \[sysroot.{suite}\] with {arch.value}"
    ) as refused:
        read(tmp_path, PINS).sysroot(suite, arch)
    assert "pinned: bullseye;" in refused.value.hint


def test_a_package_of_a_sysroot_is_named_by_its_path_and_has_two_places(tmp_path: Path) -> None:
    package = read(tmp_path, PINS).sysroot("bullseye", Arch.AMD64).packages[0]
    path, sha256 = PACKAGES[0]
    assert (package.name, package.version, package.sha256) == ("libc6", "2.31-13+deb11u11", sha256)
    assert package.file == path.rpartition("/")[2]
    debian, snapshot = package.places
    assert debian == f"debian:{path}"
    assert snapshot.startswith("https://snapshot.debian.org/archive/debian/20240915T000000Z/")
    assert snapshot.endswith(path)


def test_the_digest_of_a_sysroot_covers_every_package(tmp_path: Path) -> None:
    sysroot = read(tmp_path, PINS).sysroot("bullseye", Arch.AMD64)
    first, second = sysroot.packages
    others = [(first,), (second,), (second, first), (replace(first, sha256="3" * 64), second)]
    without = replace(sysroot, headers=())
    assert len({sysroot.sha256, without.sha256, *(replace(sysroot, packages=one).sha256 for one in others)}) == 6


def test_headers_are_the_same_for_every_sysroot_and_have_a_license_of_their_own(tmp_path: Path) -> None:
    found = read(tmp_path, PINS + SYSROOT.replace("amd64", "arm64").replace("glibc", "[sysroot.bookworm]\nglibc", 1))
    assert [(one.suite, one.headers) for one in found.sysroots] == [
        (suite, found.sysroots[0].headers) for suite in ("bullseye", "bookworm")
    ]
    (header,) = found.sysroots[0].headers
    assert (header.name, header.version, header.license) == ("linux-libc-dev", "7.2.13-1", "GPL-2.0-only")
    assert header.places[1] == f"https://snapshot.debian.org/archive/debian/20261030T120000Z/{HEADER[0]}"
    assert found.sysroots[0].packages[0].license == "LGPL-2.1-or-later"


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        (HEADERS.replace("snapshot", "day"), "headers has snapshot and packages"),
        (HEADERS.replace(', license = "GPL-2.0-only"', ""), "is no Debian package with license, path, sha256"),
        (HEADERS.replace("20261030", "today"), "headers: snapshot is not a time of snapshot.debian.org"),
        ("", "headers is missing"),
    ],
)
def test_headers_that_are_not_pinned_completely_are_refused(tmp_path: Path, spoilt: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        read(tmp_path, PINS.replace(HEADERS, spoilt))


def test_every_shipped_source_has_several_places(shipped: Pins) -> None:
    sources = (*shipped.pythons.values(), shipped.python_build, *shipped.libraries.values())
    packages = tuple(one for root in shipped.sysroots for one in (*root.headers, *root.packages, *root.beside))
    assert [one.file for one in (*sources, *packages) if len(set(one.places)) < 2] == []


def test_every_shipped_library_names_its_license(shipped: Pins) -> None:
    assert shipped.libraries
    assert [name for name, library in shipped.libraries.items() if not library.license] == []


each_suite = pytest.mark.parametrize(("suite", "glibc"), [("bullseye", "2.31"), ("bookworm", "2.36")])


@each_suite
@pytest.mark.parametrize("arch", Arch)
def test_a_shipped_sysroot_holds_one_glibc_of_its_architecture(
    shipped: Pins, suite: str, glibc: str, arch: Arch
) -> None:
    sysroot = shipped.sysroot(suite, arch)
    assert sysroot.glibc == glibc
    libc = {package.version.partition("-")[0] for package in sysroot.packages if package.name in ("libc6", "libc6-dev")}
    assert libc == {glibc}
    assert [one.file for one in sysroot.packages if not one.file.endswith(f"_{arch.value}.deb")] == []


@each_suite
@pytest.mark.parametrize("arch", Arch)
def test_what_is_next_to_a_shipped_sysroot_is_of_its_architecture_and_changes_no_digest(
    shipped: Pins, suite: str, glibc: str, arch: Arch
) -> None:
    sysroot = shipped.sysroot(suite, arch)
    of_arch = [one.name for one in sysroot.beside if one.file.endswith(f"_{arch.value}.deb")]
    assert of_arch == ["libstdc++6", "zlib1g"]
    assert replace(sysroot, beside=()).sha256 == sysroot.sha256


@each_suite
def test_the_shipped_sysroots_of_a_suite_hold_the_same_packages(shipped: Pins, suite: str, glibc: str) -> None:
    amd64, arm64 = ({(one.name, one.version) for one in shipped.sysroot(suite, arch).packages} for arch in Arch)
    assert amd64 == arm64


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        (PINS, "", "python"),
        (PINS, "not toml", "Expected"),
        ("[python-build]", "[pyenv]", "python-build"),
        (PINS, f"{PINS}[surprise]\n", "unknown: surprise"),
        ('sha256 = "', 'sha526 = "', "sha526"),
        ('file = "', 'label = "', "label"),
        (SHA256, SHA256[1:], f"{FILE}: sha256 is not 64 hex digits"),
        (SHA256, SHA256.upper(), f"{FILE}: sha256 is not 64 hex digits in lower case"),
        ('["https://a/x", "debian:pool/x"]', "[]", f"{FILE}: places is an empty list"),
        ('["https://a/x", "debian:pool/x"]', '"https://a/x"', f"{FILE}: places is not a list"),
        ('version = "3.13.5"\n', "", "version"),
        (LIBRARY, "", "library"),
        ('name = "zlib"\n', "", "name"),
        ('license = "', 'licence = "', "licence"),
        ("[sysroot.bullseye]", "[sysroots.bullseye]", "sysroot"),
        ("amd64 = [", "x86_64 = [", "x86_64"),
        ('glibc = "2.31"\n', "", "glibc"),
        ('snapshot = "20240915T000000Z"\n', "", "snapshot"),
        ('symbols = ["GLIBCXX_3.4.28"]\n', "", "symbols"),
        ("{path = ", "{file = ", "path"),
        ("1" * 64, "1" * 63, "libc6_2.31-13+deb11u11_amd64.deb: sha256 is not 64 hex digits"),
        ("libc6_2.31-13+deb11u11_amd64.deb", "libc6.deb", "is no Debian package"),
    ],
)
def test_incomplete_or_misspelt_pins_are_refused_with_file_and_problem(
    tmp_path: Path, good: str, bad: str, problem: str
) -> None:
    with pytest.raises(UserError) as refused:
        read(tmp_path, PINS.replace(good, bad))
    assert refused.value.message.startswith(f"{tmp_path / 'pins.toml'}: ")
    assert problem in refused.value.message


HOSTILE: dict[str, list[object]] = {
    "file": ["../x", "/etc/x", "a/b", ".hidden", "", ".", "a b", "a\n", "a\u2028b", "-x/../y"],
    "sha256": ["", "g" * 64, SHA256 + "0", SHA256 + "\n"],
    "version": ["", "../x", "3.13.5/..", '3.13.5" evil', "$(id)", "3.13", "3.13.5t", "\u0663.13.5"],
    "places": [
        ["debian:../x"], ["debian:/etc"], ["debian:pool//x"], ["debian:pool/./x"], ["relative"], ["ftp://a/x"],
        ["https://a/$(id)"], ['https://a/"; id'], ["https://a/`id`"], ["https://a/\n"], [""], [1], [[]], "x", 1, {},
    ],
    "license": ["", " ", "MIT\nEvil: 1", "MIT $(id)"],
    "released": ["2025-06-11", 5, True],
    "signed_by": ["", "A" * 39, "a" * 40, "A" * 41, 5],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in HOSTILE.items() for value in values])
def test_a_field_that_is_not_what_it_says_is_refused_by_name(tmp_path: Path, field: str, value: object) -> None:
    lines = {
        "version": '"3.13.5"', "file": f'"{FILE}"', "sha256": f'"{SHA256}"', "places": '["https://a/x"]',
        "license": '"MIT"', "released": "2025-06-11", field: json.dumps(value),
    }  # fmt: skip
    row = "".join(f"{name} = {text}\n" for name, text in lines.items())
    with pytest.raises(UserError, match=f": ({field.removesuffix('s')}|python)s? is "):
        read(tmp_path, PINS.replace(PIN, row, 1).replace("released = 2025-06-11\n[python-build]", "[python-build]"))
    assert read(tmp_path, PINS)


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("pool/g/libc6_2.31", "../g/libc6_2.31", "path is not"),
        ("pool/g/libc6_2.31", "/pool/g/libc6_2.31", "path is not"),
        ("pool/g/libc6_2.31", "pool/g/../libc6_2.31", "path is not"),
        ("[sysroot.bullseye]", '[sysroot."../x"]', "suite is not"),
        ('glibc = "2.31"', "glibc = 2.31", "glibc is not"),
        ("GLIBCXX_3.4.28", "GLIBCXX", "symbols is not a version of symbols"),
        ("20240915T000000Z", "../../x", "snapshot is not"),
        ("amd64 = [", "amd64 = 1\nother = [", "is not a list"),
        ("amd64 = [", "beside = 1\namd64 = [", "is not a table"),
        ("amd64 = [", "beside.i386 = []\namd64 = [", "i386"),
        ("amd64 = [", "amd64 = [1, ", "is not a table"),
        (f"[[python]]\n{PIN}", "python = 1\n[x]\n", "is not a list"),
        (f"[[python]]\n{PIN}", "python = [1]\n[x]\n", "is not a table"),
        (BUILD, "python-build = 1\n", ""),
        (LIBRARY, LIBRARY * 2, "zlib is pinned twice"),
        (LIBRARY, LIBRARY.replace('"zlib"', '"../zlib"'), "name is not"),
        (f"[[python]]\n{PIN}", f"[[python]]\n{PIN}[[python]]\n{PIN}", "3.13.5 is pinned twice"),
    ],
)
def test_what_leads_elsewhere_or_is_of_another_kind_is_refused(
    tmp_path: Path, good: str, bad: str, problem: str
) -> None:
    with pytest.raises(UserError) as refused:
        read(tmp_path, PINS.replace(good, bad))
    assert problem in refused.value.message


FIELDS = st.sampled_from(
    ["python", "python-build", "library", "sysroot", "bullseye", "amd64", "beside", "glibc", "snapshot", "path", "name",
     "version", "file", "sha256", "places", "license", "released", "signed_by"]
)  # fmt: skip
VALUES: st.SearchStrategy[object] = st.recursive(
    st.sampled_from([0, True, 1.5, "", "x", "3.13.5", SHA256, "https://a/x"]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=9),
    max_leaves=20,
)


def inline(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(one)}" for name, one in value.items()) + "}"
    return f"[{', '.join(map(inline, value))}]" if isinstance(value, list) else json.dumps(value)


@settings(deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(FIELDS, VALUES).map(
        lambda table: "".join(f"{k} = {inline(v)}\n" for k, v in table.items()).encode()
    )
    | st.binary(max_size=300)
    | st.tuples(st.integers(0, len(PINS)), st.integers(0, 40), st.binary(max_size=40)).map(
        lambda cut: PINS.encode()[: cut[0]] + cut[2] + PINS.encode()[cut[0] + cut[1] :]
    )
)
@example(b"a = " + b"[" * 200_000)
@example(b"a = " + b"{a=" * 100_000)
@example(b"a = " + b"9" * 500_000)
@example(b"a." * 5_000 + b"a = 1")
@example(b"[" + b"a." * 5_000 + b"a]")
@example(b'a = "' + b"\\" * 500_000)
def test_any_file_is_pins_or_a_user_s_error_in_bounded_time(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pins.toml"
    path.write_bytes(content)
    try:
        found = pins.read(path)
    except UserError:
        return
    files = [one.file for one in (*found.pythons.values(), found.python_build, *found.libraries.values())]
    assert [file for file in files if "/" in file or file.startswith(".")] == []


def test_a_file_that_is_no_list_of_pins_by_its_size_or_kind_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 34)
    for name in ("fifo", "endless", "large"):
        with pytest.raises(UserError, match=name):
            pins.read(tmp_path / name)


def test_missing_pins_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pins\.toml"):
        pins.read(tmp_path / "pins.toml")
