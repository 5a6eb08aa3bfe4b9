"""Synthetic film reviews: single sentences in five grades, long reviews in two.

A sentence's polarity is a sum: "very" and "somewhat" scale an opinion, "not" turns and weakens
it, and of two opinions joined by "but" the one with the weight counts in full.
"""

from collections.abc import Sequence
from typing import NamedTuple

from numpy.random import Generator

from pipeline.corpora import lexicon as words
from pipeline.corpora.wording import (
    Example,
    by_share,
    capitalised,
    pick,
    pick_weighted,
    with_article,
)

GRADE_SHARES = (0.128, 0.26, 0.19, 0.272, 0.15)  # of SST's training set, from worst to best
GRADE_BOUNDS = (-1.6, -0.4, 0.4, 1.6)  # polarities between grades
GRADE_NOISE = 0.04  # share of sentences that a rater puts one grade higher or lower
CONCESSION = 0.3  # what the lesser half of a contrast counts
CONJUNCTION = 0.75  # what each of two agreeing halves counts
GRADES = range(len(GRADE_SHARES))

POSITIVE_SHARE = 0.51  # of CFIMDB
REVIEW_WORDS = (185.0, 0.44, 40, 640)  # median, log-sd, least, most: tokens then have mean 224
AGREEING = 0.9  # share of a review's opinions that go with its verdict
OPINIONATED = 0.55  # share of a review's sentences that hold an opinion on some aspect
INSISTING = 0.12  # share of a review's sentences that repeat the verdict in other words


class Phrase(NamedTuple):
    """Words and how much they praise (above 0) or blame (below 0)."""

    text: str
    polarity: float


def compose_sentence(rng: Generator, quantile: float) -> Example:
    """Compose an SST-like sentence; the quantile sets its grade, a noisy rater may differ."""
    grade = by_share(quantile, GRADE_SHARES)
    said = grade
    if rng.random() < GRADE_NOISE:
        said = min(max(grade + (1 if rng.random() < 0.5 else -1), 0), GRADES[-1])
    while True:
        phrase = _sentence(rng)
        if grade_of(phrase.polarity) == said:
            return Example(f"{capitalised(phrase.text)} .", "", float(grade))


def grade_of(polarity: float) -> int:
    """Return the grade, 0 to 4, of a polarity."""
    return sum(polarity > bound for bound in GRADE_BOUNDS)


def compose_review(rng: Generator, quantile: float) -> Example:
    """Compose a CFIMDB-like review: plot and asides, mixed opinions, one verdict throughout."""
    label = 1 - by_share(quantile, (POSITIVE_SHARE, 1 - POSITIVE_SHARE))
    median, deviation, least, most = REVIEW_WORDS
    num_words = min(max(median * float(rng.lognormal(0.0, deviation)), least), most)
    sentences = [_verdict(rng, label)]
    while len(" ".join(sentences).split()) < num_words:
        sentences.append(_review_sentence(rng, label))
    return Example(" ".join([*sentences, _verdict(rng, label)]), "", float(label))


def _review_sentence(rng: Generator, label: int) -> str:
    kind = rng.random()
    if kind < INSISTING:
        return _verdict(rng, label)
    if kind < INSISTING + OPINIONATED:
        sign = 1 if (rng.random() < AGREEING) == bool(label) else -1
        phrase = _sentence(rng)
        while phrase.polarity * sign < 0.5:
            phrase = _sentence(rng)
        return f"{capitalised(phrase.text)} ."
    if rng.random() < 0.5:
        return pick(rng, words.ASIDES)
    return f"{capitalised(_plot(rng).text)} ."


def _verdict(rng: Generator, label: int) -> str:
    return pick(rng, words.VERDICTS[label])


def _sentence(rng: Generator) -> Phrase:
    """Compose any sentence, with a frame around it or not."""
    kind = pick_weighted(
        rng, {_joined: 0.3, _contrast: 0.3, _description: 0.2, _plot: 0.1, _single: 0.1}
    )
    phrase = kind(rng)
    if kind is _single or rng.random() < 0.25:
        return Phrase(f"{pick(rng, words.FRAMES)} , {phrase.text}", phrase.polarity)
    return phrase


def _single(rng: Generator) -> Phrase:
    """Say "the acting is very good"."""
    return _clause(rng)


def _joined(rng: Generator) -> Phrase:
    """Say "the acting is very good , and the plot holds our attention"."""
    first, second = _clause(rng), _clause(rng)
    link = pick(rng, (", and", "while", ";"))
    return Phrase(
        f"{first.text} {link} {second.text}", CONJUNCTION * (first.polarity + second.polarity)
    )


def _contrast(rng: Generator) -> Phrase:
    """Say "the acting is good , but the plot falls flat": what is conceded counts little."""
    conceded, stressed = _clause(rng), _clause(rng)
    text = pick(
        rng,
        (
            f"{conceded.text} , but {stressed.text}",
            f"although {conceded.text} , {stressed.text}",
            f"{stressed.text} , even if {conceded.text}",
        ),
    )
    return Phrase(text, CONCESSION * conceded.polarity + stressed.polarity)


def _description(rng: Generator) -> Phrase:
    """Say "a charming comedy about a nurse who learns to dance"."""
    quality = _quality(rng, negators=("hardly", "not exactly", "not at all"))
    start = pick(rng, ("this is", "here is", "it 's", "we get"))
    negator = next((n for n in words.NEGATORS if quality.text.startswith(f"{n} ")), None)
    if negator:  # "hardly a charming comedy", not "a hardly charming comedy"
        noun = with_article(f"{quality.text.removeprefix(negator + ' ')} {pick(rng, words.GENRES)}")
        text = f"this is {negator} {noun} about {_who_does(rng)}"
    else:
        noun = with_article(f"{quality.text} {pick(rng, words.GENRES)}")
        text = f"{start} {noun} about {_who_does(rng)}"
    return Phrase(text, quality.polarity)


def _plot(rng: Generator) -> Phrase:
    """Tell of the plot and praise or blame nothing."""
    verb = pick(rng, ("follows", "is about", "tells of", "centers on", "introduces us to"))
    setting = pick(rng, words.SETTINGS)
    return Phrase(f"{pick(rng, words.FILMS)} {verb} {_who_does(rng)} {setting}", 0.0)


def _who_does(rng: Generator) -> str:
    who, deed = pick(rng, words.PEOPLE), pick(rng, words.DEEDS)
    if who.startswith(("two", "three", "a farmer and", "a pair")):  # plural: "who learn to dance"
        verb, _, rest = deed.partition(" ")
        stem = verb.removesuffix("es") if verb.endswith(("sses", "shes")) else verb[:-1]
        deed = f"{'try' if verb == 'tries' else stem} {rest}"
    return f"{who} who {deed}"


def _clause(rng: Generator) -> Phrase:
    """Say one thing of the film or of one aspect."""
    subject = pick(rng, words.ASPECTS if rng.random() < 0.7 else words.FILMS)
    if rng.random() < 0.6:
        quality = _quality(rng, words.NEGATORS)
        return Phrase(f"{subject} is {quality.text}", quality.polarity)
    polarity = pick(rng, tuple(words.PREDICATES))
    return Phrase(f"{subject} {pick(rng, words.PREDICATES[polarity])}", polarity)


def _quality(rng: Generator, negators: Sequence[str]) -> Phrase:
    """Return an adjective, scaled or negated."""
    strength = pick(rng, tuple(words.ADJECTIVES))
    adjective = pick(rng, words.ADJECTIVES[strength])
    degree = pick_weighted(rng, {"plain": 0.4, "more": 0.25, "less": 0.15, "not": 0.2})
    if degree == "more":
        return Phrase(f"{pick(rng, words.BOOSTERS)} {adjective}", words.BOOST * strength)
    if degree == "less":
        return Phrase(f"{pick(rng, words.SOFTENERS)} {adjective}", words.SOFTEN * strength)
    if degree == "not":
        return Phrase(f"{pick(rng, negators)} {adjective}", words.NEGATED[strength])
    return Phrase(adjective, float(strength))
