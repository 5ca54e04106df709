"""A pylock.toml with a word of it changed: read and chosen from, or refused with its name, soon."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.errors import UserError
from builder.inputs.package_lock import parse, text_of
from builder.stages.lock import Distribution
from builder.stages.locked import Platform, of_recipe
from builder.targets import Arch, Variant
from tests.support.factories import recipes

RECIPE = replace(recipes()[Variant.RUNTIME], requirements=(), constraints=b"")
PLATFORMS = (Platform("3.13.5", Arch.AMD64, "2.31"), Platform("3.14.0td", Arch.ARM64, "2.31"))
DIGEST = "a" * 64
LOCK = text_of(
    f"""\
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.10"

[[packages]]
name = "one"
version = "1.0"
marker = "python_version > '3.1'"
index = "https://example.org/simple"
sdist = {{ url = "https://example.org/one-1.0.tar.gz", size = 5, hashes = {{ sha256 = "{DIGEST}" }} }}
wheels = [
    {{ url = "https://example.org/one-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", hashes = {{ sha256 = "{DIGEST}" }} }},
    {{ url = "https://example.org/one-1.0-py3-none-any.whl", size = 9, hashes = {{ sha256 = "{DIGEST}" }} }},
]

[[packages]]
name = "two"
archive = {{ url = "https://example.org/two-2.0-py3-none-any.whl", hashes = {{ sha256 = "{DIGEST}" }} }}
version = "2.0"
""",
    RECIPE.asked,
)
WORDS = [*re.finditer(r'"[^"\n]*"|\d+|[\w-]+|[\[\]{}=,.]|\n', LOCK)]
OTHERS = st.one_of(
    st.sampled_from([
        "", "[", "]", "{", "}", "=", "1", "-1", "true", "[]", "{}", '""', '"../x"', '"http://["', '"9.9"', '"x"', "nan",
        '"extra == \'x\'"', '"python_full_version >= \'x\'"', "\n", "name", "vcs", "directory", "sdist", "9" * 5000,
        '"a/b.whl"', '"a-1-py3-none-any.whl"', "2026-01-01", '"https://example.org/%2e%2e"', ".".join("a" * 5000),
        "[" * 5000, '"' + "(" * 5000 + '"', f'"{">=1," * 5000}"',
    ]),
    st.text(max_size=4),
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(WORDS), OTHERS), max_size=3))
@example([])
@example([(next(word for word in WORDS if "python_version" in word[0]), "\"extra == 'x'\"")])
def test_any_lock_is_chosen_from_or_refused_by_its_name(changes: list[tuple[re.Match[str], str]]) -> None:
    text = LOCK
    for word, new in sorted(changes, key=lambda change: -change[0].start()):
        text = text[: word.start()] + new + text[word.end() :]
    try:
        given = replace(RECIPE, lock=parse(Path("pylock.toml"), text.encode(errors="surrogatepass")))
        chosen = [one for platform in PLATFORMS for one in of_recipe((given,), platform) or ()]
    except UserError as problem:
        if "pylock.toml" in problem.message:
            return
        raise
    for one in chosen:
        assert isinstance(one, Distribution)
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+ --hash=sha256:[0-9a-f]{64}  # [\w.+!-]+\n", one.line, re.ASCII)
        assert one.url == "" or one.url.startswith("http")
    assert chosen or changes
