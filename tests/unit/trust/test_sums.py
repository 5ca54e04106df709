"""Lists of digests: sha256sum reads what we write, and what is no list is refused."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from builder.trust.sums import listed, parsed

NAMES = ["prt_v1~rc1+x_amd64.tgz", "prt_v1_amd64.deb", "a b\u2028c"]
DIGESTS = {name: hashlib.sha256(name.encode()).hexdigest() for name in NAMES}
ZERO = "0" * 64


@pytest.mark.needs("sha256sum")
def test_sha256sum_reads_it_and_we_read_what_sha256sum_writes(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    written = subprocess.run(["sha256sum", "--", *sorted(NAMES)], cwd=tmp_path, check=True, capture_output=True).stdout
    assert listed(DIGESTS) == written
    assert parsed(written) == DIGESTS
    check = ["sha256sum", "--strict", "--check"]
    assert subprocess.run(check, cwd=tmp_path, input=listed(DIGESTS), check=False, capture_output=True).returncode == 0
    (tmp_path / NAMES[0]).write_text("altered")
    assert subprocess.run(check, cwd=tmp_path, input=listed(DIGESTS), check=False, capture_output=True).returncode == 1


def test_a_binary_mark_is_taken_and_an_empty_list_is_one() -> None:
    assert parsed(f"{ZERO} *a\n".encode()) == {"a": ZERO}
    assert parsed(b"") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{ZERO}  a", "cut off"),
        (f"{ZERO}  a\n\n", "line 2 is none"),
        (f"{ZERO}\n", "line 1 is none"),
        (f"{ZERO[1:]}  a\n", "line 1 is none"),
        (f"{ZERO[1:]}A  a\n", "line 1 is none"),
        (f"\\{ZERO}  a\\nb\n", "line 1 is none"),
        (f"{ZERO}  a\n{'1' * 64}  a\n", "line 2 names a file for the second time"),
    ],
)
def test_what_is_no_list_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parsed(text.encode())
