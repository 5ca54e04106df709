"""Reads Makefile.vars: the assignments a make user writes, and nothing that would need make itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from builder.errors import UserError

_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[^\s:?+!=]+)\s*(?P<operator>::?=|\?=|\+=|!=|=)(?P<value>.*)")
# What may be shown of a line that can't be read: a word that looks like a setting. Any other may be a secret.
_SHOWN = re.compile(r"[A-Z]+[0-9]?(_[A-Z0-9]{1,10})*")
_BARE_EXPORT = re.compile(r"export(?:\s+\w+)*")
_FUNCTION = re.compile(r"(?<!\$)(?:\$\$)*\$[({]\w+\s")
_REFERENCE = re.compile(r"\$(?:\$|\((?P<round>[^()]*)\)|\{(?P<curly>[^{}]*)\}|(?P<other>.?))")
_LONGEST = 4096  # characters
_TAKEN = "Makefile.vars takes NAME = value, with =, := or ?=, and $(NAME) for other settings"


@dataclass(frozen=True)
class Assignment:
    """One assignment: its value as written, without quotes and comment, and the number of its line."""

    text: str
    line: int


def nearest(name: str, known: Collection[str]) -> str:
    """A hint that names the known name most like the given one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known names: {', '.join(sorted(known))}"


def parse(text: str, file: str, known: Mapping[str, str]) -> dict[str, Assignment]:
    """The assignments of a Makefile.vars; the last one of a name counts, except `?=`, which yields to an earlier one.

    `known` maps each spelling of a name to the name itself.
    Raises UserError with file and line for an unknown name and for what only make could evaluate.
    """
    found: dict[str, Assignment] = {}
    # Not splitlines(): what else it takes for the end of a line would let a comment continue as an assignment.
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{file}:{number}"
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        hidden = next((one for one in stripped if not one.isprintable() and one != "\t"), "")
        if hidden:
            raise UserError(f"{where}: has a character that can't be seen: U+{ord(hidden):04X}", "remove it")
        if len(stripped) > _LONGEST:
            raise UserError(f"{where}: has more than {_LONGEST} characters", _TAKEN)
        if _BARE_EXPORT.fullmatch(stripped):
            continue
        match = _ASSIGNMENT.fullmatch(stripped)
        if not match or match["operator"] in ("+=", "!="):
            word = re.match(r"(?:export\s+)?(\w*)", stripped)
            raise UserError(f"{where}: can't take this line{_shown(' of ', word[1] if word else '')}", _TAKEN)
        name = match["name"]
        if name not in known:
            raise UserError(f"{where}: {_shown('', name) or 'this'} is not a setting", nearest(name, known))
        value = _value(match["value"].strip(), f"{where}: {name}")
        if _FUNCTION.search(value):
            raise UserError(f"{where}: can't take this line of {name}: it calls a function of make", _TAKEN)
        name = known[name]
        if match["operator"] == "?=" and name in found:
            continue
        found[name] = Assignment(value, number)
    return found


def expand(text: str, where: str, known: Collection[str], value_of: Callable[[str], str]) -> str:
    """Replace `$(NAME)` and `${NAME}` by the value of that setting, and `$$` by a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name = match["round"] or match["curly"]
        if not name:
            raise UserError(
                f"{where}: a lone $ in the value", "write $$ for a dollar sign, $(NAME) for another setting"
            )
        if name not in known:
            raise UserError(f"{where}: can't take $({_shown('', name) or '…'}): not a setting", nearest(name, known))
        return value_of(name)

    expanded = _REFERENCE.sub(replace, text)
    if len(expanded) > _LONGEST:
        raise UserError(f"{where}: its value has more than {_LONGEST} characters", "refer to less")
    return expanded


def _shown(before: str, word: str) -> str:
    return f"{before}{word}" if _SHOWN.fullmatch(word) else ""


def _value(raw: str, where: str) -> str:
    if raw[:1] in ("'", '"'):
        end = raw.find(raw[0], 1)
        rest = raw[end + 1 :].strip()
        if end < 0 or (rest and not rest.startswith("#")):
            raise UserError(f"{where}: unbalanced quotes", "quote the whole value, or nothing")
        return raw[1:end]
    if raw.endswith("\\"):
        raise UserError(f"{where}: can't take a continued line", "write the value on one line")
    return re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
