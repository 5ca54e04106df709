"""libuuid: time-based numbers, safe from twins where its clock can be kept in its place."""

import uuid
from pathlib import Path

Path("/var/lib/libuuid").mkdir(parents=True)
drawn = [uuid.uuid1() for _ in range(1000)]
assert {one.is_safe for one in drawn} == {uuid.SafeUUID.safe}
assert len({*drawn}) == 1000
assert Path("/var/lib/libuuid/clock.txt").stat().st_size
