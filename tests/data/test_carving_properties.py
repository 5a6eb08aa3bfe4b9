"""carving: whichever pairs share questions, the two splits share none."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.carving import DEV_SHARE, carve, normalized
from pipeline.data.reading import frame_of
from pipeline.errors import CorpusError

# few words, so that pairs share questions, in spellings that count as equal
QUESTIONS = st.builds(
    lambda number, write: write(f"is {number} ſtraße"),
    st.integers(0, 60),
    st.sampled_from([str, str.upper, str.title, lambda text: f"\u2003{text}\n".replace(" ", "  ")]),
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def pairs(draw: st.DrawFn) -> pd.DataFrame:
    questions = draw(st.lists(st.tuples(QUESTIONS, QUESTIONS), max_size=40))
    ids = draw(st.permutations([f"id{i}" for i in range(len(questions))]))
    return frame_of([(key, *pair, 1.0) for key, pair in zip(ids, questions, strict=True)])


def groups_of(frame: pd.DataFrame) -> list[set[str]]:
    """Return the ids of each connected component, found by a simple algorithm."""
    groups: list[tuple[set[str], set[str]]] = []  # ids, questions
    for key, first, second in zip(
        frame["id"], normalized(frame["first"]), normalized(frame["second"]), strict=True
    ):
        ids, questions = {key}, {first, second}
        for group in [group for group in groups if group[1] & questions]:
            groups.remove(group)
            ids, questions = ids | group[0], questions | group[1]
        groups.append((ids, questions))
    return [ids for ids, _ in groups]


@given(pairs(), SEEDS)
def test_groups_are_never_split_and_dev_is_filled_as_far_as_possible(
    frame: pd.DataFrame, seed: int
) -> None:
    groups, wanted = groups_of(frame), round(DEV_SHARE * len(frame))
    try:
        sides = carve(frame, seed)
    except CorpusError:
        assert min(map(len, groups), default=1) > wanted
        return
    assert len(sides["train"]) + len(sides["dev"]) == len(frame)
    for side in sides.values():
        of_side = frame[frame["id"].isin(side["id"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(side, of_side)
    dev = set(sides["dev"]["id"])
    assert all(group <= dev or not group & dev for group in groups)
    assert 0 < len(dev) <= wanted
    assert all(len(dev) + len(group) > wanted for group in groups if not group & dev)


@given(pairs(), SEEDS, st.data())
def test_the_split_does_not_depend_on_the_order_of_the_file(
    frame: pd.DataFrame, seed: int, data: st.DataObject
) -> None:
    again = frame.iloc[data.draw(st.permutations(range(len(frame))))].reset_index(drop=True)
    try:
        dev = set(carve(frame, seed)["dev"]["id"])
    except CorpusError:
        return
    assert dev == set(carve(again, seed)["dev"]["id"])
