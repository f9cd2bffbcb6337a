"""Error rates that carry their counts and their uncertainty (ISO/IEC 19795-1, annex B)."""

from __future__ import annotations

from dataclasses import dataclass

CONFIDENCE = 0.95
"""Of every interval; ISO/IEC 19795-1 asks that it be stated, and the field states this one."""
ENOUGH_ERRORS = 30
"""Rule of 30 (Doddington et al. 2000): with 30 errors the rate is within 30 % of the true one at 90 % confidence."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Errors of so many independent trials.

    Args:
        errors: how many went wrong, or hit.
        trials: out of how many; 0 makes the rate undefined.
    """

    errors: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.trials:
            raise ValueError(f"errors must lie in 0..trials, got {self.errors} of {self.trials}")

    @property
    def value(self) -> float | None:
        """Errors / trials; None without trials."""
        return self.errors / self.trials if self.trials else None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % Clopper-Pearson interval; None without trials."""
        return clopper_pearson(self.errors, self.trials)[0] if self.trials else None

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % Clopper-Pearson interval; None without trials."""
        return clopper_pearson(self.errors, self.trials)[1] if self.trials else None

    def to_dict(self) -> dict[str, float | int | None]:
        """For JSON: value, low, high, errors, trials."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "errors": self.errors,
            "trials": self.trials,
        }

    def __str__(self) -> str:
        if self.value is None:
            return "undefined (no trials)"
        return f"{self.value:.4g} ({self.errors:,} of {self.trials:,}; 95 % {self.low:.2g} to {self.high:.2g})"


def clopper_pearson(errors: float, trials: int) -> tuple[float, float]:
    """Exact two-sided 95 % interval of a binomial proportion (Clopper & Pearson 1934).

    Args:
        errors: in 0..trials; a fraction of one is allowed.
        trials: at least 1.

    Returns:
        (low, high); low is 0 without errors, high is 1 with nothing else.
    """
    from scipy.special import betaincinv

    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(errors, trials - errors + 1, tail)) if errors else 0.0
    high = float(betaincinv(errors + 1, trials - errors, 1 - tail)) if errors < trials else 1.0
    return low, high


def rule_of_three(trials: int) -> float:
    """The smallest rate that so many trials support: none in n bounds the rate at 3/n, at 95 % confidence.

    Example:
        >>> rule_of_three(3000)
        0.001
    """
    return 3 / trials if trials else 1.0


def supported(rate: float, trials: int) -> bool:
    """Whether a rate can be shown by so many trials: it is not below the rule of three."""
    return rate * (1 + 1e-9) >= rule_of_three(trials)
