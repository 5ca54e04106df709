"""Archives of others: whatever their bytes are, they are read within bounds, or refused in one way."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.inputs import tarball
from builder.inputs.tarball import Tarball, Unreadable


def archive(*members: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    """An archive of members whose content is zeros."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=form) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return content.getvalue()


def member(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, pax: Mapping[str, str] | None = None
) -> tarfile.TarInfo:
    """A member."""
    made = tarfile.TarInfo(name)
    made.size, made.type, made.pax_headers = size, kind, dict(pax or {})
    return made


def read(content: bytes, most_bytes: int = 1 << 20) -> dict[str, bytes]:
    """Every file of an archive."""
    with Tarball(io.BytesIO(content), most_bytes=most_bytes) as tar:
        return {one.name: tar.read(one) for one in tar if one.isreg()}


SOME = archive(member("a/b", 700), member("a/" + "long" * 40, 5), form=tarfile.PAX_FORMAT)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("way", PACKED)
def test_what_is_in_it_is_read_however_it_is_packed(tmp_path: Path, way: str) -> None:
    whole = {"a/b": bytes(700), "a/" + "long" * 40: bytes(5)}
    assert read(PACKED[way](SOME)) == whole
    (tmp_path / "x").write_bytes(PACKED[way](SOME))
    with Tarball(tmp_path / "x") as tar:
        assert {one.name: tar.read(one) for one in tar} == whole


SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x", "GNU.sparse.realsize": "9"}
REFUSED = {
    "more than is read": (archive(member("a", 2 << 20)), "unpacks to more"),
    "headers that are more than is read": (archive(*(member("n" * 4000 + str(n)) for n in range(300))), "to more"),
    "a name of a gigabyte": (member("x", 1 << 30, tarfile.GNUTYPE_LONGNAME).tobuf() + bytes(1 << 20), "impossible"),
    "a name that is one line of pax": (archive(member("n" * 5000), form=tarfile.PAX_FORMAT), "a name that no file has"),
    "holes": (archive(member("x", 512, tarfile.GNUTYPE_SPARSE)), "holes"),
    "holes that pax names": (archive(member("x", 512, pax=SPARSE), form=tarfile.PAX_FORMAT), "holes"),
    "names of names": (member("x", 512, tarfile.GNUTYPE_LONGNAME).tobuf() * 5000, "."),
    "nothing": (b"", "ReadError"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_bound_is_not_read(what: str) -> None:
    content, reason = REFUSED[what]
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match=reason):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_an_archive_of_members_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball, "MOST_MEMBERS", 2)
    with pytest.raises(Unreadable, match="more members"):
        read(archive(*map(member, "abc")))


def test_what_is_not_wanted_of_a_large_archive_is_not_unpacked() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(member("x", 8 << 30).tobuf() + bytes(16 << 20)) + packer.flush()
    with pytest.raises(Unreadable, match="to more"), Tarball(io.BytesIO(packed)) as tar:
        next(iter(tar))


@settings(max_examples=400)
@given(
    st.sampled_from([*PACKED]),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4),
    st.integers(0, 5000),
)
def test_a_mangled_archive_is_read_or_refused(
    way: str, before: bool, changes: list[tuple[int, bytes]], cut: int
) -> None:
    content = bytearray(SOME if before else PACKED[way](SOME))
    for place, new in changes:
        content[place % len(content) : place % len(content) + len(new)] = new
    mangled = bytes(content[: len(content) - cut % len(content)] if cut % 2 else content)
    try:
        found = read(PACKED[way](mangled) if before else mangled)
    except Unreadable:
        return
    assert sum(map(len, found.values())) <= 1 << 20
