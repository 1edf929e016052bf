"""A secret that was given to a run is in none of its events."""

from __future__ import annotations

from typing import Any

from provision.errors import ApplyError
from provision.model.change import Change
from provision.model.events import OutputLine, StepFailed, StepPlanned
from provision.secrets.redaction import redactor

ABOUT: dict[str, Any] = {"host": "node1", "play": "base", "step": "file /token"}


def test_it_is_masked_in_lines_changes_observations_and_errors() -> None:
    redact = redactor({"s3cr3t-token"})
    error = ApplyError(
        "got s3cr3t-token", hint="s3cr3t-token", details=["a s3cr3t-token b"]
    )
    events = [
        OutputLine(**ABOUT, line="token=s3cr3t-token"),
        StepPlanned(
            **ABOUT,
            changes=(Change("content", None, "s3cr3t-token"),),
            observed={"content": "s3cr3t-token"},
        ),
        StepFailed(**ABOUT, error=error),
    ]
    for event in map(redact, events):
        assert "s3cr3t-token" not in repr(event)
        assert "s3cr3t-token" not in repr(vars(getattr(event, "error", event)))
    assert error.message == "got s3cr3t-token", "the original is left alone"


def test_a_longer_secret_is_masked_whole() -> None:
    redact = redactor({"abcd", "abcdefgh"})
    event = redact(OutputLine(**ABOUT, line="x abcdefgh y"))
    assert isinstance(event, OutputLine) and event.line == "x (secret) y"


def test_each_line_of_a_long_secret_is_masked() -> None:
    redact = redactor({"first line\nsecond line\n"})
    event = redact(OutputLine(**ABOUT, line="> second line"))
    assert isinstance(event, OutputLine) and event.line == "> (secret)"


def test_without_secrets_events_pass_untouched() -> None:
    event = OutputLine(**ABOUT, line="hello")
    assert redactor(())(event) is event


def test_an_empty_value_masks_nothing() -> None:
    event = OutputLine(**ABOUT, line="hello")
    assert redactor({""})(event) is event
