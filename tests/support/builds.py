"""What the fixtures of builds hand to each other."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from tests.support.checkout import Checkout, Run


@dataclass(frozen=True)
class DockerBuilds:
    """A checkout in which the docker engine built runtime-dev, the packages it makes of it, and one for arm64.

    `arm_proof` is what `test-arm` says there: under emulation, and on one processor.
    """

    checkout: Checkout
    debs: Future[Checkout] | None
    arm: Future[Checkout] | None
    arm_proof: Future[Run] | None
