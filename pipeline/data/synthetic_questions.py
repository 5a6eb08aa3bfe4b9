"""Composes question pairs: paraphrases, and questions that only look alike.

A question is an intent with filled slots. A template of the intent determines its wording, and a
condition ("without a teacher") may narrow it. Two questions are duplicates if they have the same
intent, slots and condition, even if their words differ.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.random import Generator

from pipeline.core.yaml12 import read_yaml
from pipeline.data.wording import Example, by_share, capitalized, pick, pick_weighted

DUPLICATE_SHARE = 0.375  # as in Quora
LABEL_NOISE = 0.02  # share of pairs with the wrong label
REWORDED = 0.4  # share of near misses that are also worded differently
CONDITION_KEPT = 0.08  # share of duplicates in which both questions have a condition
# weights of the ways to turn a question into a different one
NON_DUPLICATES = {"condition": 0.62, "slot": 0.1, "swap": 0.1, "negation": 0.15, "unrelated": 0.15}

Intent = Mapping[str, Any]  # an entry of `intents` in question_words.yaml
WORDS = read_yaml(Path(__file__).with_name("question_words.yaml"))
INTENTS: Sequence[Intent] = WORDS["intents"]


class Question(NamedTuple):
    """An intent, fillers for its slots and, optionally, a condition."""

    intent: Intent
    slots: tuple[str, ...]
    condition: str = ""  # a key of `conditions`
    is_negated: bool = False


def compose_question_pair(rng: Generator, quantile: float) -> Example:
    """Compose two questions; the quantile determines whether they are duplicates."""
    label = 1 - by_share(quantile, (DUPLICATE_SHARE, 1 - DUPLICATE_SHARE))
    is_duplicate = bool(label) != (rng.random() < LABEL_NOISE)
    question = _draw(rng, INTENTS, "repeated" if is_duplicate else "confused")
    templates = question.intent["templates"]
    if is_duplicate:  # the same question through two templates, with synonyms in its slots
        if rng.random() < CONDITION_KEPT:
            question = _narrowed(rng, question)
        places = rng.choice(len(templates), size=2, replace=False)
        other, (template, other_template) = question, (templates[int(place)] for place in places)
    else:  # two different questions, usually in nearly the same words
        template = pick(rng, templates)
        other = _changed(rng, question)
        is_near = other.intent is question.intent and rng.random() >= REWORDED
        other_template = template if is_near else pick(rng, other.intent["templates"])
    texts = [_ask(rng, question, template), _ask(rng, other, other_template)]
    if rng.random() < 0.5:
        texts.reverse()
    return Example(texts[0], texts[1], float(label))


def _changed(rng: Generator, question: Question) -> Question:
    """Return a question that differs slightly or, occasionally, completely from this one."""
    weights = dict(NON_DUPLICATES)
    names, templates = question.intent["slots"], question.intent["templates"]
    if len(names) != 2 or names[0] != names[1]:  # only fillers of the same kind can be swapped
        del weights["swap"]
    if not all("{no}" in template for template in templates):
        del weights["negation"]
    match pick_weighted(rng, list(weights), list(weights.values())):
        case "swap":
            return question._replace(slots=question.slots[::-1])
        case "negation":
            return question._replace(is_negated=True)
        case "slot":
            place = int(rng.integers(len(names)))
            other = pick(rng, _fillers(names[place], question.slots))
            before, after = question.slots[:place], question.slots[place + 1 :]
            return question._replace(slots=(*before, other, *after))
        case "condition":
            return _narrowed(rng, question)
        case _:
            others = [intent for intent in INTENTS if intent is not question.intent]
            return _narrowed(rng, _draw(rng, others, "confused"))


def _draw(rng: Generator, intents: Sequence[Intent], weight: str) -> Question:
    """Draw a question without a condition; `weight` is the key of each intent's weight."""
    intent = pick_weighted(rng, intents, [intent[weight] for intent in intents])
    slots: tuple[str, ...] = ()
    for name in intent["slots"]:
        slots = (*slots, pick(rng, _fillers(name, slots)))
    return Question(intent, slots)


def _fillers(name: str, used: Sequence[str]) -> list[str]:
    """Return the fillers of a slot that the question does not use yet."""
    return [filler for filler in WORDS["fillers"][name] if filler not in used]


def _narrowed(rng: Generator, question: Question) -> Question:
    conditions = WORDS["circumstances"][question.intent["circumstances"]]
    return question._replace(condition=pick(rng, conditions))


def _ask(rng: Generator, question: Question, template: str) -> str:
    """Turn a question into text; a condition usually follows it and sometimes precedes it."""
    slots = [pick(rng, (slot, *WORDS["synonyms"].get(slot, ()))) for slot in question.slots]
    text = template.format(*slots, no="not " if question.is_negated else "")
    if question.condition:
        wording = pick(rng, WORDS["conditions"][question.condition])
        text = f"{wording}, {text}" if rng.random() < 0.2 else f"{text} {wording}"
    return f"{capitalized(' '.join(text.split()))}?"
