"""Composes sentence pairs whose similarity, 0 to 5, is the share of meaning that they share.

A scene fills the slots of a genre: who, does what, with what, where. In the second sentence, each
slot is kept (perhaps in other words), blurred ("someone", "an instrument", or left out), or
replaced by something else; the label is five times the share of the weights that is left.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.random import Generator

from pipeline.core.yaml12 import read_yaml
from pipeline.data.wording import Example, by_share, capitalized, pick, pick_weighted

BIN_SHARES = (0.12, 0.15, 0.17, 0.22, 0.24, 0.1)  # labels 0 to 5, rounded, in STS's training set
STEP = 0.2  # between labels
NUM_DRAWS = 12  # the draw closest to the wanted label is taken

Genre = Mapping[str, Any]  # an entry of caption_words.yaml
Meaning = Sequence[str]  # different wordings of one meaning
Change = Literal["kept", "blurred", "replaced"]
GENRES: Sequence[Genre] = list(read_yaml(Path(__file__).with_name("caption_words.yaml")).values())
LOSS: Mapping[Change, float] = {"kept": 0.0, "blurred": 0.7, "replaced": 1.0}
BLURRED = 0.8  # share of changes that blur; the others replace
UNRELATED_BELOW = 0.8  # below this label, two scenes share at most an occasional word
RATER_NOISE = 0.12  # standard deviation


def compose_similarity(rng: Generator, quantile: float) -> Example:
    """Compose two sentences; the quantile determines about how similar they are."""
    wanted = _within_range(by_share(quantile, BIN_SHARES) + rng.uniform(-0.5, 0.5))
    genre = pick_weighted(rng, GENRES, [g["share"] + g["tilt"] * (wanted - 2.5) for g in GENRES])
    scene = [pick(rng, slot["meanings"]) for slot in genre["slots"]]
    if wanted < UNRELATED_BELOW:  # a different scene of the genre, most of it vague
        score, other = wanted, [_other(rng, genre, place, scene) for place in range(len(scene))]
        second = _worded(rng, genre, other, [_change(rng, 0.75, blurred=1.0) for _ in other])
    else:
        score, second = _changed(rng, genre, scene, wanted)
    texts = [_worded(rng, genre, scene, ["kept"] * len(scene)), second]
    if rng.random() < 0.5:
        texts.reverse()
    label = round(float(rng.normal(score, RATER_NOISE)) / STEP) * STEP
    return Example(texts[0], texts[1], round(_within_range(label), 1))


def _within_range(label: float) -> float:
    return float(min(max(label, 0.0), 5.0))


def _changed(
    rng: Generator, genre: Genre, scene: Sequence[Meaning], wanted: float
) -> tuple[float, str]:
    """Change slots to get close to the wanted similarity; return it and the second sentence."""
    weights = [slot["weight"] for slot in genre["slots"]]
    probability = 1.2 * (1 - wanted / 5)
    draws = [[_change(rng, probability, BLURRED) for _ in scene] for _ in range(NUM_DRAWS)]
    changes = min(draws, key=lambda draw: abs(similarity(draw, weights) - wanted))
    other = [
        _other(rng, genre, place, scene) if change == "replaced" else scene[place]
        for place, change in enumerate(changes)
    ]
    return similarity(changes, weights), _worded(rng, genre, other, changes)


def similarity(changes: Sequence[Change], weights: Sequence[float]) -> float:
    """Return the similarity, 0 to 5, that is left after these changes to the weighted slots."""
    lost = sum(weight * LOSS[change] for change, weight in zip(changes, weights, strict=True))
    return 5 * (1 - lost / sum(weights))


def _change(rng: Generator, probability: float, blurred: float) -> Change:
    if rng.random() >= probability:
        return "kept"
    return "blurred" if rng.random() < blurred else "replaced"


def _other(rng: Generator, genre: Genre, place: int, scene: Sequence[Meaning]) -> Meaning:
    """Return a different meaning for a slot."""
    return pick(rng, [m for m in genre["slots"][place]["meanings"] if m is not scene[place]])


def _worded(
    rng: Generator, genre: Genre, scene: Sequence[Meaning], changes: Sequence[Change]
) -> str:
    """Put a scene into words; blurred slots get vague ones."""
    slots = zip(genre["slots"], scene, changes, strict=True)
    words = [pick(rng, slot["vague"] if c == "blurred" else meaning) for slot, meaning, c in slots]
    text = " ".join(pick(rng, genre["templates"]).format(*words).split())
    return f"{capitalized(text.replace(' ,', ','))}{genre['stop']}"
