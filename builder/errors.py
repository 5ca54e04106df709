"""The two kinds of failure: the user can fix the one, and not always the other."""


class BuilderError(Exception):
    """A failure that the user sees as one message: what happened, and what to do next (the hint)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    @property
    def summary(self) -> str:
        """The first line of the message, for a list; the others say more about it."""
        return self.message.partition("\n")[0].removesuffix(":")


class UserError(BuilderError):
    """A setting, a recipe or a missing tool: the user fixes it before the build can continue."""


class BuildError(BuilderError):
    """A step of the build failed."""
