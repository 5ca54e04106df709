"""How severe a vulnerability is, by its CVSS vectors or by the word of its database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_RATINGS = {"LOW": "low", "MODERATE": "medium", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"}
_FROM = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))  # the same in CVSS 3 and 4


@dataclass(frozen=True)
class Severity:
    """The highest base score, from 0 to 10, or None; and low, medium, high, critical, or nothing."""

    score: float | None = None
    rating: str = ""

    @property
    def rank(self) -> float:
        """What to sort by: the score, or the least that its rating has."""
        return self.score or next((least for least, rating in _FROM if rating == self.rating), 0.0)

    def __str__(self) -> str:
        return " ".join((self.rating or "-", *([] if self.score is None else [str(self.score)])))


def rated(scores: Iterable[tuple[str, str]], word: object = None) -> Severity:
    """The severity of CVSS vectors, each with OSV's name for its kind, and of a database's own word."""
    known = [score for kind, vector in scores for score in _score(kind, vector)]
    score = max(known, default=None)
    said = _RATINGS.get(word.upper(), "") if isinstance(word, str) else ""
    by_score = next((rating for least, rating in _FROM if score is not None and score >= least), "")
    return Severity(score, said or by_score)


def _score(kind: str, vector: str) -> list[float]:
    # Imported here: few sessions need it.
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError

    calculator = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}.get(kind)
    try:
        return [float(calculator(vector).base_score)] if calculator else []
    except CVSSError:
        return []
