"""Synthetic sentence pairs whose similarity, 0 to 5, is the share of meaning they have in common.

A scene is a genre's slots filled: who, does what, with what, where. Of a second sentence each
slot is kept (perhaps in other words), blurred ("someone", "an instrument", or left out), or
replaced by something else; the label is five times what is left of the weights.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from numpy.random import Generator

from pipeline.corpora.caption_lexicon import GENRES, Genre, Meaning
from pipeline.corpora.wording import Example, by_share, capitalised, pick, pick_weighted

BIN_SHARES = (0.12, 0.15, 0.17, 0.22, 0.24, 0.1)  # of STS's training set: labels 0 to 5, rounded
STEP = 0.2  # between labels
NUM_DRAWS = 12  # of which the one nearest to the label wanted is taken

Change = Literal["kept", "blurred", "replaced"]
LOSS: Mapping[Change, float] = {"kept": 0.0, "blurred": 0.7, "replaced": 1.0}
BLURRED = 0.8  # share of changes that blur, the others replace
UNRELATED_BELOW = 0.8  # labels under which two scenes share nothing but an odd word
RATER_NOISE = 0.12  # standard deviation


def compose_similarity(rng: Generator, quantile: float) -> Example:
    """Compose two sentences; their similarity is about what the quantile sets."""
    wanted = _label_at(rng, quantile)
    genre = pick_weighted(rng, {genre: genre.share_at(wanted) for genre in GENRES})
    scene = _scene(rng, genre)
    if wanted < UNRELATED_BELOW:
        score, second = wanted, _unrelated(rng, genre, scene)
    else:
        score, second = _changed(rng, genre, scene, wanted)
    texts = [_told(rng, genre, scene, ["kept"] * len(scene)), second]
    if rng.random() < 0.5:
        texts.reverse()
    label = float(rng.normal(score, RATER_NOISE))
    label = round(min(max(round(label / STEP) * STEP, 0.0), 5.0), 1)
    return Example(texts[0], texts[1], label)


def _label_at(rng: Generator, quantile: float) -> float:
    """Return a label from the bin in which the quantile falls."""
    centre = by_share(quantile, BIN_SHARES)
    return float(min(max(centre + rng.uniform(-0.5, 0.5), 0.0), 5.0))


def _scene(rng: Generator, genre: Genre) -> list[Meaning]:
    return [pick(rng, slot.meanings) for slot in genre.slots]


def _unrelated(rng: Generator, genre: Genre, scene: Sequence[Meaning]) -> str:
    """Tell of another scene of the genre, most of it vaguely."""
    other = [_other(rng, genre, place, scene) for place in range(len(scene))]
    return _told(rng, genre, other, [_change(rng, 0.75, blurred=1.0) for _ in other])


def _changed(
    rng: Generator, genre: Genre, scene: Sequence[Meaning], wanted: float
) -> tuple[float, str]:
    """Change slots until about the wanted similarity is left; return it and the sentence."""
    weights = [slot.weight for slot in genre.slots]
    draws = [
        [_change(rng, 1.2 * (1 - wanted / 5), BLURRED) for _ in scene] for _ in range(NUM_DRAWS)
    ]
    changes = min(draws, key=lambda draw: abs(similarity(draw, weights) - wanted))
    told = [
        _other(rng, genre, place, scene) if change == "replaced" else scene[place]
        for place, change in enumerate(changes)
    ]
    return similarity(changes, weights), _told(rng, genre, told, changes)


def similarity(changes: Sequence[Change], weights: Sequence[float]) -> float:
    """Return what is left of a meaning, 0 to 5, when its weighted parts change like this."""
    lost = sum(weight * LOSS[change] for change, weight in zip(changes, weights, strict=True))
    return 5 * (1 - lost / sum(weights))


def _change(rng: Generator, probability: float, blurred: float) -> Change:
    if rng.random() >= probability:
        return "kept"
    return "blurred" if rng.random() < blurred else "replaced"


def _other(rng: Generator, genre: Genre, place: int, scene: Sequence[Meaning]) -> Meaning:
    """Return another meaning for a slot."""
    return pick(rng, [m for m in genre.slots[place].meanings if m is not scene[place]])


def _told(rng: Generator, genre: Genre, scene: Sequence[Meaning], changes: Sequence[Change]) -> str:
    """Put a scene into words, blurred slots vaguely."""
    words = [
        pick(rng, genre.slots[place].vague if change == "blurred" else scene[place])
        for place, change in enumerate(changes)
    ]
    text = " ".join(pick(rng, genre.templates).format(*words).split())
    return capitalised(text.replace(" ,", ",")) + genre.stop
