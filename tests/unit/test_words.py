"""One word for one thing, in plain English: words that were given up do not come back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A name or phrase that was given up, and what is written in its place. `_` between words counts as a blank.
RETIRED = {
    # Names.
    "Variation|variations?": "targets.Package: a target in a format",
    "PackageRecipe|package recipe": "DebRecipe",
    "Bench": "BuildMachine; the session is `bench`",
    "CrossTarget": "CrossCompiler",
    "suited": "lock_inputs",
    "blind": "skip_reason",
    r"unable(?=\()": "why_not",
    "SILENCE": "_READ_TIMEOUT",
    "old on purpose": "not_updated",
    "extras": "libraries' patches and profiles",
    "planning make": "Inputs",
    "licen[c]es?": "license, as SPDX spells it",
    "compil(e|es|ed|ing) across": "cross-compile",
    "flaws?": "vulnerability, or the CVE",
    "package stage": "the runtime stage, or the stage of the .deb",
    "Sourced": "FromSource",
    # Phrases.
    "tells": "reports, says, shows",
    "told": "is shown, is reported, knows",
    "mend(s|ed|ing)?": "fix, repair",
    "anew": "again",
    "once more": "again",
    "beside": "next to, or besides",
    "for ever": "forever",
    "who may": "those allowed to",
    "go(es|ing) on": "continues",
    "without a word": "without output",
    "(are|is|was|were) meant": "intended",
    "not what it should be": "rejected",
    "of ours": "our",
    "(is|are) as good": "will do, is used",
    "hears? of": "gets a line for",
    "(stands?|stood) (in|on|at|there|behind|before|beside|under)": "is in, follows",
    "(its|own|last) words": "output, message, text",
    "and (its|their) kin": "and the other, and related",
    r"[a-z]+ [a-z]+, say(?=[,)])": "for example",
}

# Where one may stay: files, the words, and why.
ALLOWED = [
    ("tests/unit/test_words.py", set(RETIRED), "it lists them"),
    ("recipes/*", set(RETIRED), "each comment is part of a key: it changes when its file does"),
    ("tests/support/golden/*.deb.txt", set(RETIRED), "they quote recipes/deb"),
    ("LICENSE", set(RETIRED), "it is MIT's"),
    ("builder/inputs/pins.py", {"beside"}, "the key `beside` of a sysroot in recipes/pins.toml, and the attribute"),
    ("builder/sessions/show.py", {"beside"}, "the attribute"),
    ("builder/stages/deb.py", {"beside"}, "the attribute"),
    ("tests/unit/inputs/test_pins.py", {"beside", "licen[c]es?"}, "the key; a key with the spelling that was given up"),
    ("tests/unit/inputs/test_inputs.py", {"beside"}, "the key"),
    ("tests/unit/stages/test_deb.py", {"beside"}, "the attribute"),
    ("builder/inside/sbom/sources.py", {"flaws?"}, "the file is part of a key: it changes when its file does"),
    ("builder/stages/manifest.schema.json", {"licen[c]es?"}, "says what version 1 had"),
    ("CHANGELOG.md", {"licen[c]es?"}, "says what was renamed"),
]


def found(text: str) -> Iterator[tuple[int, str]]:
    """The line and the word of RETIRED wherever one is in a text."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in RETIRED:
            spaced = word.replace(" ", "[ _]")
            if re.search(rf"(?<![A-Za-z])({spaced})(?![A-Za-z])", line, 0 if word[0].isupper() else re.IGNORECASE):
                yield number, word


def allowed(name: str) -> set[str]:
    """The words that may stay in a file."""
    return set().union(*(words for pattern, words, _ in ALLOWED if fnmatch(name, pattern)))


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the checkout that git knows, with its name."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        try:
            yield name, (ROOT / name).read_text()
        except (UnicodeDecodeError, OSError):  # not text, or removed and not committed yet
            continue


@pytest.mark.needs("git")
def test_no_word_that_was_given_up_comes_back() -> None:
    wrong = [
        f"{name}:{number}: {word} → {RETIRED[word]}"
        for name, text in texts()
        for number, word in found(text)
        if word not in allowed(name)
    ]
    assert wrong == []


@pytest.mark.needs("git")
def test_every_exception_is_still_needed() -> None:
    there = {name: {word for _, word in found(text)} for name, text in texts()}
    single = [(name, words) for name, words, _ in ALLOWED if words != set(RETIRED)]
    assert [(name, words - there.get(name, set())) for name, words in single if words - there.get(name, set())] == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("It tells you.\n\nFix it, then MEND it", [(1, "tells"), (3, "mend(s|ed|ing)?")]),
        ("def test_it_is_built_anew(bench: Bench)", [(1, "Bench"), (1, "anew")]),
        ("kept (by pip, say) as it was", [(1, r"[a-z]+ [a-z]+, say(?=[,)])")]),
        ("a licence", [(1, "licen[c]es?")]),
        ("nox -s bench; besides, recommend and amend; unbeside", []),
    ],
)
def test_a_word_that_was_given_up_is_seen(text: str, seen: list[tuple[int, str]]) -> None:
    assert list(found(text)) == seen
