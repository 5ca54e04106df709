"""Write what pip resolved as a lock: each file by its sha256. Arguments: pip's report, the lock."""

import json
import pathlib
import re
import sys
import urllib.parse

report = json.loads(pathlib.Path(sys.argv[1]).read_text())
lines = ["# What pip resolved, each file by its sha256.\n"]
for one in report["install"]:
    name, version = one["metadata"]["name"], one["metadata"]["version"]
    place = one["download_info"]
    sha256 = place.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    file = urllib.parse.unquote(urllib.parse.urlsplit(place["url"]).path.rpartition("/")[2])
    if not sha256 or not re.fullmatch(r"[\w.+!-]+", file):
        sys.exit(f"{name} {version} has no file with a sha256 to lock it by: {place['url']}")
    lines.append(f"{name}=={version} --hash=sha256:{sha256}  # {file}\n")
pathlib.Path(sys.argv[2]).write_text("".join(sorted(lines, key=str.lower)))
