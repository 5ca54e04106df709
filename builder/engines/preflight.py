"""What can be wrong with Docker on a machine, each with the command that fixes it."""

from __future__ import annotations

from enum import Enum

from builder.errors import UserError


class Problem(Enum):
    """Message and hint; `{…}` is filled in where the problem is found."""

    NO_COMMAND = ("the docker command is not installed", "apt-get install docker.io, or ENGINE=sandbox")
    NO_PERMISSION = (
        "this user may not use Docker at {endpoint}",
        "sudo usermod -aG docker $USER, then log in again; or ENGINE=sandbox",
    )
    DAEMON_DOWN = ("no Docker daemon answers at {endpoint}", "sudo systemctl start docker, or ENGINE=sandbox")
    NO_BUILDX = ("the docker command has no buildx", "apt-get install docker-buildx, or ENGINE=sandbox")
    NO_EMULATION = (
        "Docker at {endpoint} can't run {arch}: no emulator is registered",
        "apt-get install qemu-user-static, or docker run --privileged --rm tonistiigi/binfmt --install {arch}",
    )

    def error(self, **words: str) -> UserError:
        """The error for the user."""
        message, hint = self.value
        return UserError(message.format(**words), hint.format(**words))
