"""OSV's data, asked for online, as https://google.github.io/osv.dev/api/ documents it.

It matches packages and versions itself: names and versions of what is inside a runtime are sent to it.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import quote

from builder.audit.advisory import LARGEST, Advisory, identifier, parse
from builder.audit.answers import NO_ADVISORY, Answer, match
from builder.audit.inventory import Component
from builder.audit.packages import GIT, Package
from builder.errors import BuildError
from builder.inputs.network import Network
from builder.sources.download import FAILURES, download_to, reason
from builder.threads import side_by_side

_AT_ONCE = 500  # questions of a request: it may have 1,000
_MOST_PAGES = 100  # of the answers to one request
_MOST_CONNECTIONS = 8
_ELSEWHERE = "set OSV_DATABASE to a mirror of the API, or to a folder with OSV's data"

Question = dict[str, Any]


class Api:
    """An OSV API at a URL, such as https://api.osv.dev."""

    def __init__(self, url: str, network: Network) -> None:
        self._url, self._network = url.rstrip("/"), network
        self.described = network.redact(self._url)

    def answers(self, components: Iterable[Component]) -> Mapping[Component, Answer]:
        """What it says of each component. BuildError if it can't be reached, or answers otherwise than documented."""
        asked = [(component, package) for component in components for package in component.packages]
        found = defaultdict[Component, set[str]](set)
        said = self._ids([_question(package, component.version) for component, package in asked])
        for (component, _), ids in zip(asked, said, strict=True):
            found[component] |= ids
        names = sorted({name for ids in found.values() for name in ids})
        works = {name: partial(self._advisory, name) for name in names}
        advisories = side_by_side(works, _MOST_CONNECTIONS, stop=lambda: None)  # each ends by itself, soon
        unknown = self._unknown([component for component, ids in found.items() if not ids])
        return {
            component: Answer(
                tuple(
                    match(advisories[name], component.packages, component.version)
                    for name in sorted(ids)
                    if not advisories[name].withdrawn
                ),
                unchecked=NO_ADVISORY if component in unknown else "",
            )
            for component, ids in found.items()
        }

    def _unknown(self, components: Iterable[Component]) -> set[Component]:
        """Those without an advisory of any version of their repository, which may be because nobody wrote one."""
        asked = [(one, package) for one in components for package in one.packages if package.ecosystem == GIT]
        said = self._ids([_question(package) for _, package in asked])
        known = {component for (component, _), ids in zip(asked, said, strict=True) if ids}
        return {component for component, _ in asked} - known

    def _ids(self, questions: Sequence[Question]) -> list[set[str]]:
        """The advisories that are the answer to each question."""
        starts = range(0, len(questions), _AT_ONCE)
        return [ids for start in starts for ids in self._batch(questions[start : start + _AT_ONCE])]

    def _batch(self, questions: Sequence[Question]) -> list[set[str]]:
        found: list[set[str]] = [set() for _ in questions]
        left = dict(enumerate(questions))
        for _ in range(_MOST_PAGES):
            if not left:
                return found
            with self._as_documented("/v1/querybatch") as url:
                results = json.loads(self._get(url, {"queries": [*left.values()]}))["results"]
                for (place, question), result in zip([*left.items()], results, strict=True):
                    found[place] |= {identifier(one["id"]) for one in result.get("vulns") or []}
                    del left[place]
                    if token := result.get("next_page_token"):
                        left[place] = {**question, "page_token": str(token)}
        raise BuildError(f"{self.described} has no end of answers", _ELSEWHERE)

    def _advisory(self, name: str) -> Advisory:
        with self._as_documented(f"/v1/vulns/{quote(name, safe='')}") as url:
            return parse(self._get(url))

    def _get(self, url: str, question: Question | None = None) -> bytes:
        answer = io.BytesIO()
        download_to(url, answer, self._network, LARGEST, json.dumps(question).encode() if question else b"")
        return answer.getvalue()

    @contextmanager
    def _as_documented(self, path: str) -> Iterator[str]:
        """Hand out the URL of a part of the API; BuildError if it can't be had, or is something else."""
        url = f"{self._url}{path}"
        try:
            yield url
        except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError) as problem:
            what = f"it does not answer as an OSV API does: {type(problem).__name__}"
            raise BuildError(self._network.redact(f"{url}: {what}"), _ELSEWHERE) from None
        except FAILURES as problem:
            why = str(problem) if type(problem) is ValueError else reason(problem)
            raise BuildError(self._network.redact(f"{url}: {why}"), _ELSEWHERE) from None


def _question(package: Package, version: str = "") -> Question:
    name = f"https://{package.name}" if package.ecosystem == GIT else package.name
    asked: Question = {"package": {"ecosystem": package.ecosystem, "name": name}}
    return {**asked, "version": version} if version else asked
