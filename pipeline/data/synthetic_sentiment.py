"""Composes movie reviews: single sentences with five grades, and long reviews with two.

A sentence's polarity is a weighted sum of its opinions. "Very" and "somewhat" scale an opinion,
"not" reverses and weakens it, and if "but" joins two opinions, only the main one counts in full.
"""

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from numpy.random import Generator

from pipeline.core.yaml12 import read_yaml
from pipeline.data.wording import Example, by_share, capitalized, pick, pick_weighted

GRADE_SHARES = (0.128, 0.26, 0.19, 0.272, 0.15)  # as in SST's training set, from worst to best
GRADE_BOUNDS = (-1.6, -0.4, 0.4, 1.6)  # the polarities that separate the grades
GRADE_NOISE = 0.04  # share of sentences whose polarity is one grade above or below the label
CONCESSION = 0.3  # weight of the conceded half of a contrast
CONJUNCTION = 0.75  # weight of each half of a sentence joined by "and"
BOOST, SOFTEN = 1.5, 0.5  # factors of "very" and "somewhat"
DEGREES = {"plain": 0.4, "more": 0.25, "less": 0.15, "not": 0.2}  # their probabilities

POSITIVE_SHARE = 0.51  # as in CFIMDB
REVIEW_WORDS = (185.0, 0.44, 40, 640)  # median, sd of log, min, max; the mean is 224 tokens
AGREEING = 0.9  # share of a review's opinions that agree with its verdict
OPINIONATED = 0.55  # share of a review's sentences that give an opinion on an aspect
INSISTING = 0.12  # share of a review's sentences that repeat the verdict in other words

WORDS = read_yaml(Path(__file__).with_name("review_words.yaml"))


class Phrase(NamedTuple):
    """A text and its polarity, above 0 for praise and below 0 for criticism."""

    text: str
    polarity: float


def compose_sentence(rng: Generator, quantile: float) -> Example:
    """Compose an SST-like sentence; the quantile determines its label, which may be noisy."""
    grade = rated = by_share(quantile, GRADE_SHARES)
    if rng.random() < GRADE_NOISE:
        rated = min(max(grade + (1 if rng.random() < 0.5 else -1), 0), len(GRADE_SHARES) - 1)
    while bisect_left(GRADE_BOUNDS, (phrase := _sentence(rng)).polarity) != rated:
        pass
    return Example(f"{capitalized(phrase.text)} .", "", float(grade))


def compose_review(rng: Generator, quantile: float) -> Example:
    """Compose a CFIMDB-like review: plot, asides, mixed opinions and a single verdict."""
    label = 1 - by_share(quantile, (POSITIVE_SHARE, 1 - POSITIVE_SHARE))
    median, deviation, least, most = REVIEW_WORDS
    num_words = min(max(median * float(rng.lognormal(0.0, deviation)), least), most)
    verdicts = WORDS["verdicts"][label]
    sentences = [pick(rng, verdicts)]
    while len(" ".join(sentences).split()) < num_words:
        sentences.append(_review_sentence(rng, label))
    return Example(" ".join([*sentences, pick(rng, verdicts)]), "", float(label))


def _review_sentence(rng: Generator, label: int) -> str:
    kind = rng.random()
    if kind < INSISTING:
        return str(pick(rng, WORDS["verdicts"][label]))
    if kind < INSISTING + OPINIONATED:
        sign = 1 if (rng.random() < AGREEING) == bool(label) else -1
        while (phrase := _sentence(rng)).polarity * sign < 0.5:
            pass
        return f"{capitalized(phrase.text)} ."
    if rng.random() < 0.5:
        return str(pick(rng, WORDS["asides"]))
    return f"{capitalized(_plot(rng).text)} ."


def _sentence(rng: Generator) -> Phrase:
    """Compose a sentence of a random kind, sometimes with a frame before it."""
    kinds = (_joined, _contrasted, _description, _plot, _clause)
    kind = pick_weighted(rng, kinds, (0.3, 0.3, 0.2, 0.1, 0.1))
    phrase = kind(rng)
    if kind is _clause or rng.random() < 0.25:
        return Phrase(f"{pick(rng, WORDS['frames'])} , {phrase.text}", phrase.polarity)
    return phrase


def _joined(rng: Generator) -> Phrase:
    """Compose "the acting is very good , and the plot holds our attention"."""
    first, second = _clause(rng), _clause(rng)
    text = pick(rng, ("{0} , and {1}", "{0} while {1}", "{0} ; {1}"))
    polarity = CONJUNCTION * (first.polarity + second.polarity)
    return Phrase(text.format(first.text, second.text), polarity)


def _contrasted(rng: Generator) -> Phrase:
    """Compose "the acting is good , but the plot falls flat"; the concession counts less."""
    first, second = _clause(rng), _clause(rng)
    text = pick(rng, ("{0} , but {1}", "although {0} , {1}", "{1} , even if {0}"))
    polarity = CONCESSION * first.polarity + second.polarity
    return Phrase(text.format(first.text, second.text), polarity)


def _description(rng: Generator) -> Phrase:
    """Compose "this is a charming comedy about a nurse who learns to dance"."""
    quality = _quality(rng, WORDS["negators_of_nouns"])
    start = pick(rng, ("this is", "here is", "it 's", "we get"))
    adjective, negators = quality.text, WORDS["negators"]
    negator = next((n for n in negators if adjective.startswith(f"{n} ")), None)
    if negator:  # "hardly a charming comedy", not "a hardly charming comedy"
        start, adjective = f"this is {negator}", adjective.removeprefix(f"{negator} ")
    article = "an" if adjective[0] in "aeiou" else "a"
    text = f"{start} {article} {adjective} {pick(rng, WORDS['genres'])} about {_who_does(rng)}"
    return Phrase(text, quality.polarity)


def _plot(rng: Generator) -> Phrase:
    """Describe the plot without an opinion."""
    verb = pick(rng, ("follows", "is about", "tells of", "centers on", "introduces us to"))
    setting = pick(rng, WORDS["settings"])
    return Phrase(f"{pick(rng, WORDS['films'])} {verb} {_who_does(rng)} {setting}", 0.0)


def _who_does(rng: Generator) -> str:
    who, deed = pick(rng, WORDS["people"]), pick(rng, WORDS["deeds"])
    if who.startswith(("two", "three", "a farmer and", "a pair")):  # plural: "who learn to dance"
        verb, _, rest = deed.partition(" ")
        stem = verb.removesuffix("es") if verb.endswith(("sses", "shes")) else verb[:-1]
        deed = f"{'try' if verb == 'tries' else stem} {rest}"
    return f"{who} who {deed}"


def _clause(rng: Generator) -> Phrase:
    """Compose an opinion on the film or one of its aspects: "the acting is very good"."""
    subject = pick(rng, WORDS["aspects" if rng.random() < 0.7 else "films"])
    if rng.random() < 0.6:
        quality = _quality(rng, WORDS["negators"])
        return Phrase(f"{subject} is {quality.text}", quality.polarity)
    polarity, predicates = pick(rng, tuple(WORDS["predicates"].items()))
    return Phrase(f"{subject} {pick(rng, predicates)}", polarity)


def _quality(rng: Generator, negators: Sequence[str]) -> Phrase:
    """Return an adjective, which may be scaled or negated."""
    strength, adjectives = pick(rng, tuple(WORDS["adjectives"].items()))
    adjective = pick(rng, adjectives)
    changes = {
        "plain": ([], 1.0 * strength),
        "more": (WORDS["boosters"], BOOST * strength),
        "less": (WORDS["softeners"], SOFTEN * strength),
        "not": (negators, WORDS["negated"][strength]),
    }
    adverbs, polarity = changes[pick_weighted(rng, list(DEGREES), list(DEGREES.values()))]
    return Phrase(f"{pick(rng, adverbs)} {adjective}" if adverbs else adjective, polarity)
