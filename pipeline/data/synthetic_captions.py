"""Composes sentence pairs whose similarity, 0 to 5, measures how much of their meaning they share.

A scene fills the slots of a genre: who does what, with what and where. The second sentence keeps
each slot (perhaps in other words), blurs it ("someone", "an instrument", or nothing) or replaces
it. The label, before noise, is five times the fraction of the slots' weight that is left.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.random import Generator

from pipeline.core.yaml12 import read_yaml
from pipeline.data.wording import Example, by_share, capitalized, pick, pick_weighted

BIN_SHARES = (0.12, 0.15, 0.17, 0.22, 0.24, 0.1)  # of rounded labels 0 to 5 in STS's training set
STEP = 0.2  # between adjacent labels
NUM_DRAWS = 12  # the draw closest to the target label is used

Genre = Mapping[str, Any]  # an entry of caption_words.yaml
Meaning = Sequence[str]  # different wordings of one meaning
Change = Literal["kept", "blurred", "replaced"]
GENRES: Sequence[Genre] = list(read_yaml(Path(__file__).with_name("caption_words.yaml")).values())
LOSS: Mapping[Change, float] = {"kept": 0.0, "blurred": 0.7, "replaced": 1.0}
BLURRED = 0.8  # share of changed slots that are blurred; the others are replaced
UNRELATED_BELOW = 0.8  # below this label, two scenes share at most an occasional word
RATER_NOISE = 0.12  # standard deviation of the noise in a label


def compose_similarity(rng: Generator, quantile: float) -> Example:
    """Compose two sentences; the quantile determines their approximate similarity."""
    wanted = _within_range(by_share(quantile, BIN_SHARES) + rng.uniform(-0.5, 0.5))
    genre = pick_weighted(rng, GENRES, [g["share"] + g["tilt"] * (wanted - 2.5) for g in GENRES])
    scene = [pick(rng, slot["meanings"]) for slot in genre["slots"]]
    if wanted < UNRELATED_BELOW:  # a different scene of the genre, mostly in vague words
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
    """Approximate a similarity by changing slots; return the one reached and the new sentence."""
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
    """Return the similarity, 0 to 5, of a scene and the same scene with these changed slots."""
    lost = sum(weight * LOSS[change] for change, weight in zip(changes, weights, strict=True))
    return 5 * (1 - lost / sum(weights))


def _change(rng: Generator, probability: float, blurred: float) -> Change:
    if rng.random() >= probability:
        return "kept"
    return "blurred" if rng.random() < blurred else "replaced"


def _other(rng: Generator, genre: Genre, place: int, scene: Sequence[Meaning]) -> Meaning:
    """Draw a different meaning for a slot."""
    return pick(rng, [m for m in genre["slots"][place]["meanings"] if m is not scene[place]])


def _worded(
    rng: Generator, genre: Genre, scene: Sequence[Meaning], changes: Sequence[Change]
) -> str:
    """Turn a scene into a sentence, with vague words for blurred slots."""
    slots = zip(genre["slots"], scene, changes, strict=True)
    words = [pick(rng, slot["vague"] if c == "blurred" else meaning) for slot, meaning, c in slots]
    text = " ".join(pick(rng, genre["templates"]).format(*words).split())
    return f"{capitalized(text.replace(' ,', ','))}{genre['stop']}"
