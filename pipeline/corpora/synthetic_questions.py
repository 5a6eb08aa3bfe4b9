"""Synthetic question pairs: paraphrases by rewording, and questions that only look alike.

A question is an intent with its slots filled, asked through one of the intent's templates, and
perhaps narrowed by a condition ("without a teacher"). Two questions are duplicates when intent,
slots and condition are the same, whatever the words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from numpy.random import Generator

from pipeline.corpora.question_lexicon import (
    CONDITIONS,
    INTENTS,
    SYNONYMS,
    Intent,
)
from pipeline.corpora.wording import Example, by_share, capitalised, pick, pick_two, pick_weighted

DUPLICATE_SHARE = 0.375  # of Quora
LABEL_NOISE = 0.02  # share of pairs on which raters err

Kind = Literal["condition", "slot", "swap", "negation", "unrelated"]
NON_DUPLICATES: Mapping[Kind, float] = {
    "condition": 0.62,
    "slot": 0.1,
    "swap": 0.1,
    "negation": 0.15,
    "unrelated": 0.15,
}
REWORDED = 0.4  # share of near misses that are put in other words besides
CONDITION_KEPT = 0.08  # share of duplicates that are narrowed on both sides


@dataclass(frozen=True)
class Question:
    """What is asked: an intent, what fills its slots, and how it is narrowed."""

    intent: Intent
    slots: tuple[str, ...]
    condition: str  # a key of CONDITIONS, or ""
    negated: bool


def compose_question_pair(rng: Generator, quantile: float) -> Example:
    """Compose two questions; the quantile says whether they are duplicates."""
    label = 1 - by_share(quantile, (DUPLICATE_SHARE, 1 - DUPLICATE_SHARE))
    is_duplicate = bool(label) != (rng.random() < LABEL_NOISE)
    first, second = _duplicates(rng) if is_duplicate else _non_duplicates(rng)
    if rng.random() < 0.5:
        first, second = second, first
    return Example(first, second, float(label))


def _duplicates(rng: Generator) -> tuple[str, str]:
    """Ask one thing through two templates, with other words for the same slots."""
    question = _draw(rng, {intent: intent.repeated for intent in INTENTS})
    if rng.random() < CONDITION_KEPT:
        question = replace(question, condition=pick(rng, question.intent.conditions))
    one, other = pick_two(rng, question.intent.templates)
    return _ask(rng, question, one), _ask(rng, question, other)


def _non_duplicates(rng: Generator) -> tuple[str, str]:
    """Ask two things: nearly always in nearly the same words."""
    question = _draw(rng, {intent: intent.confused for intent in INTENTS})
    template = pick(rng, question.intent.templates)
    other = _changed(rng, question)
    is_near = other.intent is question.intent and rng.random() >= REWORDED
    same_words = template if is_near else pick(rng, other.intent.templates)
    return _ask(rng, question, template), _ask(rng, other, same_words)


def _changed(rng: Generator, question: Question) -> Question:
    """Return another question near to this one, or, now and then, far from it."""
    match pick_weighted(rng, _possible(question.intent)):
        case "swap":
            return replace(question, slots=question.slots[::-1])
        case "negation":
            return replace(question, negated=True)
        case "slot":
            return replace(question, slots=_refilled(rng, question))
        case "condition":
            return replace(question, condition=pick(rng, question.intent.conditions))
        case "unrelated":
            far = _draw(rng, {i: i.confused for i in INTENTS if i is not question.intent})
            return replace(far, condition=pick(rng, far.intent.conditions))


def _possible(intent: Intent) -> dict[Kind, float]:
    """Return the weights of the changes that make sense with an intent."""
    missing: set[Kind] = set()
    if not intent.is_directed:
        missing.add("swap")
    if not intent.can_be_negated:
        missing.add("negation")
    return {kind: weight for kind, weight in NON_DUPLICATES.items() if kind not in missing}


def _refilled(rng: Generator, question: Question) -> tuple[str, ...]:
    """Return a question's slots with one of them filled otherwise."""
    place = int(rng.integers(len(question.slots)))
    fillers = question.intent.fillers[place]
    other = pick(rng, [filler for filler in fillers if filler not in question.slots])
    return (*question.slots[:place], other, *question.slots[place + 1 :])


def _draw(rng: Generator, weights: Mapping[Intent, float]) -> Question:
    """Draw a question without condition, its intent by weight."""
    intent = pick_weighted(rng, dict(weights))
    slots: list[str] = []
    for fillers in intent.fillers:
        slots.append(pick(rng, [filler for filler in fillers if filler not in slots]))
    return Question(intent, tuple(slots), condition="", negated=False)


def _ask(rng: Generator, question: Question, template: str) -> str:
    """Put a question into words."""
    slots = [pick(rng, (slot, *SYNONYMS.get(slot, ()))) for slot in question.slots]
    text = template.format(*slots, no="not " if question.negated else "")
    if question.condition:
        text = _narrowed(rng, text, CONDITIONS[question.condition])
    return f"{capitalised(' '.join(text.split()))}?"


def _narrowed(rng: Generator, text: str, wordings: Sequence[str]) -> str:
    """Add a condition, before the question or after it."""
    wording = pick(rng, wordings)
    return f"{wording}, {text}" if rng.random() < 0.2 else f"{text} {wording}"
