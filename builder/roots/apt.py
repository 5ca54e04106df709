"""What a list of Debian packages brings along: resolved by apt itself, in a folder of its own, without privileges."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from builder import command
from builder.errors import BuildError, UserError
from builder.inputs.network import Network
from builder.targets import Arch

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_LINE = re.compile(r"'(?P<url>\S+)' \S+ \d+ SHA256:(?P<sha256>[0-9a-f]{64})")


def resolve(
    names: Iterable[str], suite: str, arch: Arch, mirror: str, network: Network, scratch: Path
) -> dict[str, str]:
    """The packages to install for these names on an empty system: path below the mirror, and sha256, sorted.

    apt verifies the suite's signature. `scratch` is an empty folder. UserError where there is no apt, BuildError with
    apt's own output where it can't resolve them.
    """
    mirror = mirror.rstrip("/")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    sources, status, configuration = scratch / "sources.list", scratch / "status", scratch / "apt.conf"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n")
    status.touch()
    options = {
        "APT::Architecture": arch.value,
        "APT::Architectures": arch.value,
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "",
        "Acquire::ForceHash": "SHA256",
        "Acquire::Languages": "none",
        "Dir::Cache": f"{scratch}/cache",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::Etc::SourceList": str(sources),
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": f"{scratch}/state",
        "Dir::State::Status": str(status),
        **({"Acquire::https::CAInfo": str(network.ca_bundle)} if network.ca_bundle else {}),
    }
    # In a file: the mirror's URL, perhaps with a password, is on no command line.
    configuration.write_text("".join(f'{name} "{value}";\n' for name, value in options.items()))
    env = {**network.environment(None), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "APT_CONFIG": str(configuration)}
    try:
        command.output(["apt-get", "--quiet=2", "update"], env=env)
        printed = command.output(["apt-get", "--quiet=2", "--print-uris", "--yes", "install", *names], env=env)
    except FileNotFoundError:
        raise UserError("no apt-get here", "make the lock on Debian or Ubuntu, or in a container of one") from None
    except BuildError as problem:
        raise BuildError(network.redact(problem.message), f"does {suite} have all of them for {arch.value}?") from None
    found = {unquote(match["url"]).removeprefix(f"{mirror}/"): match["sha256"] for match in _LINE.finditer(printed)}
    return dict(sorted(found.items()))
