"""libuuid: random and time-based numbers; the latter are safe where its clock can be kept in its place."""

import uuid
from pathlib import Path

assert uuid.uuid1().is_safe is uuid.SafeUUID.unsafe
Path("/var/lib/libuuid").mkdir(parents=True)
drawn = [uuid.uuid1() for _ in range(1000)]
assert {one.is_safe for one in drawn} == {uuid.SafeUUID.safe}
assert len({*drawn}) == 1000
