"""Whatever bytes an entry has: it is refused with one of our messages, or it is exactly as we would write it."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.cache.entry import LARGEST_ENTRY, Unusable, parse
from tests.support.scene import entry, stage

WHOLE = entry().encode()
FIELDS = json.loads(WHOLE)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
changed_fields = st.dictionaries(st.sampled_from([*FIELDS, "more"]), json_values, max_size=3).map(
    lambda changes: json.dumps({**FIELDS, **changes}, sort_keys=True, indent=1).encode()
)
changed_bytes = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 9), st.binary(max_size=9)).map(
    lambda edit: WHOLE[: edit[0]] + edit[2] + WHOLE[edit[0] + edit[1] :]
)
# JSON of the same content, that is written otherwise.
spaced = st.tuples(st.integers(0, len(WHOLE)), st.sampled_from([b" ", b"\n", b"\t\r"])).map(
    lambda edit: WHOLE[: edit[0]] + edit[1] + WHOLE[edit[0] :]
)
changed_record = st.dictionaries(st.text(max_size=8), json_values, max_size=3).map(
    lambda more: json.dumps({**FIELDS, "built": {**FIELDS["built"], **more}}, sort_keys=True, indent=1).encode()
)


@given(st.binary(max_size=200) | changed_fields | changed_bytes | spaced | changed_record)
@settings(max_examples=300, deadline=10_000)
def test_what_is_accepted_is_written_as_we_write_it_and_all_else_is_unusable(data: bytes) -> None:
    try:
        found = parse(data, stage().name, stage().key)
    except Unusable:
        return
    assert found.encode() == data
    assert found.inputs == stage().key_inputs


def test_the_unchanged_entry_is_accepted() -> None:
    assert parse(WHOLE, stage().name, stage().key) == entry()


@pytest.mark.parametrize("piece", [b"[", b'{"":', b"9", b"[],", b'"a",', b"1,", b"{},", b"1e9", b"\\ud800"])
def test_memory_is_bounded_whatever_is_repeated(piece: bytes) -> None:
    tracemalloc.start()
    try:
        for start in (b"", b"[", b'{"inputs":[', b'"'):
            with pytest.raises(Unusable):
                parse((start + piece * LARGEST_ENTRY)[:LARGEST_ENTRY], "interpreter", "0" * 64)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
