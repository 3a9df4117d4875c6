"""One step of a dialect in the making: what it puts out, counts and tells once. Serves arrows 1 and 2.

Owns that a finding is said once and that the memory of what was said is bounded. Must not know any dialect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from nattevakt.edge.drivers.driver import Finding, Said, Stepped

TOLD_MAX = 500
"""Most findings remembered as already said; further new ones are only counted."""


class Told(Protocol):
    """A dialect's frozen state: a dataclass with the findings said so far."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def told(self) -> frozenset[Finding]:
        """What was said already."""


StateT = TypeVar("StateT", bound=Told)


class Telling(Generic[StateT]):
    """The mutable inside of a pure step: the state so far, outputs in order, counters."""

    def __init__(self, state: StateT) -> None:
        self.state = state
        self.outputs: list[Said] = []
        self.counted: dict[str, int] = {}

    def count(self, what: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counted[what] = self.counted.get(what, 0) + by

    def tell(self, address: str, sentence: str) -> None:
        """Say a finding once. address: of the device, or of its node."""
        finding = Finding(address, sentence)
        if finding not in self.state.told and len(self.state.told) < TOLD_MAX:
            self.state = replace(self.state, told=self.state.told | {finding})
            self.outputs.append(finding)

    def stepped(self) -> Stepped[StateT]:
        """What the step gives back."""
        return Stepped(self.state, tuple(self.outputs), counted=self.counted)
