"""What a measurement says, and how the table shows it."""

from collections.abc import Sequence
from dataclasses import dataclass


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the samples lie (nearest rank)."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(samples: Sequence[float]) -> float:
    """Return the middle sample."""
    return quantile(samples, 0.5)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `beside` is the same thing done by `floor` in the same run; None where there is none."""

    name: str
    value: float
    unit: str
    beside: float | None = None
    floor: str = ""
    note: str = ""
    aim: str = ""

    def line(self) -> str:
        """Return the line for a terminal."""
        ratio = f"{self.value / self.beside:5.2f}x {self.floor} ({self.beside:.4g})" if self.beside else ""
        extra = "; ".join(part for part in (self.note, f"aim {self.aim}" if self.aim else "") if part)
        return f"{self.name:<44}{self.value:>9.4g} {self.unit:<5}  {ratio:<34}{extra}"


def milliseconds(name: str, samples: Sequence[float], beside: Sequence[float] = (), **words: str) -> Figure:
    """Return the median of samples in seconds as milliseconds, with p95 and count as its note."""
    note = f"p95 {quantile(samples, 0.95) * 1000:.4g}, n={len(samples)}"
    return Figure(name, median(samples) * 1000, "ms", median(beside) * 1000 if beside else None, note=note, **words)
