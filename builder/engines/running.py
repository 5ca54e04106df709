"""Steps run in a workplace, with what the user sees of each and the log that keeps all of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from builder.artifact_dir import LOGS
from builder.console import Console, Log, step_failed
from builder.engines.base import Workplace
from builder.inputs.network import Network
from builder.stages.stage import Step


def new_log(artifact_dir: Path, name: str, network: Network) -> Log:
    """An empty log in ARTIFACT_DIR, in place of the one of the last run."""
    path = artifact_dir / LOGS / f"{name}.log"
    path.unlink(missing_ok=True)
    return Log(path, network.redact)


def run_steps(steps: Iterable[Step], place: Workplace, console: Console, log: Log) -> None:
    """Run steps one after the other; BuildError names the first that fails."""
    for step in steps:
        with console.step(step.name, log, place.command(step), step.shows_output) as on_output:
            code = place.run(step, on_output)
            if code:
                raise step_failed(step.name, code, step.hint, log)
