"""How far the scores of one row spread when its run is trained with several seeds."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, stdev


@dataclass(frozen=True)
class Spread:
    """Scores of the same training under several seeds; None where no score, or only one, is."""

    count: int  # of seeds
    undefined: int  # of them, those without a score: they are in none of the numbers below
    mean: float | None
    sd: float | None  # of the sample: divided by one less than the number of scores
    worst: float | None
    best: float | None

    @property
    def brief(self) -> str:
        """Show the mean and the standard deviation."""
        if self.mean is None:
            return "–"
        return f"{self.mean:.3f}" + ("" if self.sd is None else f" ± {self.sd:.3f}")

    @property
    def shown(self) -> str:
        """Show the mean, the standard deviation and of how many scores they are."""
        if self.mean is None:
            return f"undefined ({self.count} of {self.count})"
        of = f"{self.count - self.undefined} of {self.count}, others undefined"
        return f"{self.brief} ({of if self.undefined else self.count})"


def spread_of(scores: Iterable[float | None]) -> Spread:
    """Sum up the score of each seed; None is one that is undefined."""
    found = list(scores)
    known = [score for score in found if score is not None]
    return Spread(
        count=len(found),
        undefined=len(found) - len(known),
        mean=mean(known) if known else None,
        sd=stdev(known) if len(known) > 1 else None,
        worst=min(known, default=None),
        best=max(known, default=None),
    )
