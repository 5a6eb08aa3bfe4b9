"""What synthetic captions, headlines and forum posts tell: slots and the words for them."""

from dataclasses import dataclass

Meaning = tuple[str, ...]  # one meaning, in words that say the same


@dataclass(frozen=True)
class Slot:
    """A part of a scene: what it can be, how to say it vaguely, how much of the meaning it is."""

    meanings: tuple[Meaning, ...]
    vague: tuple[str, ...]
    weight: float


@dataclass(frozen=True, eq=False)
class Genre:
    """A kind of sentence: its templates over slots, and how alike its pairs tend to be."""

    templates: tuple[str, ...]
    slots: tuple[Slot, ...]
    stop: str  # at the end of a sentence
    share: float  # at label 2.5
    tilt: float  # what the share gains for each point of the label

    def share_at(self, label: float) -> float:
        """Return the genre's share among pairs of this similarity."""
        return self.share + self.tilt * (label - 2.5)


def _slot(weight: float, vague: str, meanings: str) -> Slot:
    """Read "a|b; c|d" as two meanings, each in two wordings."""
    return Slot(
        tuple(tuple(w.strip() for w in m.split("|")) for m in meanings.split(";")),
        tuple(vague.split("|")),
        weight,
    )


CAPTIONS = Genre(
    templates=("{0} is {1} {2} {3}", "there is {0} {1} {2} {3}", "{2}, {0} is {1} {3}"),
    slots=(
        _slot(
            1.0,
            "someone|somebody|a person",
            "a man|a guy; a woman|a lady; a boy|a young boy; a girl|a little girl; "
            "a dog|a puppy; a cat|a kitten; a chef|a cook; a policeman|a police officer; "
            "a soldier|a man in uniform; a singer|a vocalist; an old man|an elderly man; "
            "a bride|a woman in a wedding dress; a farmer|a man in a straw hat; "
            "a skier|a man on skis; a nurse|a woman in a hospital coat; a clown|a man in makeup",
        ),
        _slot(
            1.4,
            "doing something|busy with something|at work on something",
            "playing a guitar|strumming a guitar; slicing an onion|cutting up an onion; "
            "riding a horse|sitting on a moving horse; chasing a ball|running after a ball; "
            "reading a book|looking into a book; pushing a cart|moving a cart forward; "
            "eating an apple|biting into an apple; climbing a rope|going up a rope; "
            "throwing a stone|tossing a rock; washing a car|cleaning a car with water; "
            "painting a fence|putting paint on a fence; holding a baby|carrying an infant; "
            "kicking a football|shooting a football; drinking milk|sipping milk; "
            "opening a box|lifting the lid of a box; feeding a bird|giving food to a bird; "
            "stirring a soup|mixing soup in a pot; swinging a sword|waving a sword",
        ),
        _slot(
            0.8,
            "somewhere|in some place|in a place",
            "in a kitchen|near a stove; on the beach|by the sea; in the snow|on snowy ground; "
            "on a stage|in front of an audience; in a garden|among flower beds; "
            "in the street|on the road; "
            "by a river|on a river bank; in a park|on the lawn of a park; "
            "in a forest|among the trees; on a roof|on top of a house; in a garage|in a car shed; "
            "under a bridge|beneath a bridge; in a boat|aboard a small boat",
        ),
        _slot(
            0.5,
            "",
            " with a smile| and smiles; at night| after dark; in the rain| while it rains; "
            " for a crowd| as a crowd looks on; with one hand| single-handed; "
            " very slowly| at a slow pace; in bright sunlight| while the sun shines",
        ),
    ),
    stop=".",
    share=0.45,
    tilt=-0.03,
)

HEADLINES = Genre(
    templates=("{0} {1} {2} {3}", "{2}, {0} {1} {3}", "{0} {1} {3} {2}"),
    slots=(
        _slot(
            1.0,
            "officials|authorities|a government",
            "the Iraqi president|Iraq's president; the French parliament|lawmakers in Paris; "
            "the Chinese army|China's military; the Indian court|judges in India; "
            "Syrian rebels|rebels in Syria; the US Senate|senators in Washington; "
            "the Russian premier|Russia's prime minister; the Egyptian police|police in Egypt; "
            "Greek banks|the banks of Greece; Turkish workers|workers in Turkey; "
            "the British queen|Britain's monarch; Iranian scientists|scientists in Iran; "
            "Japanese doctors|doctors in Japan; Mexican farmers|farmers in Mexico",
        ),
        _slot(
            1.4,
            "acted on an issue|responded to a matter|took a step",
            "rejected a peace deal|turned down a peace agreement; "
            "freed twelve hostages|released 12 captives; "
            "raised fuel taxes|increased taxes on fuel; "
            "banned plastic bags|forbade bags of plastic; "
            "closed two airports|shut down a pair of airports; "
            "cut school budgets|reduced school funding; "
            "arrested a bomb suspect|detained a bombing suspect; "
            "launched a satellite|sent up a satellite; "
            "found a mass grave|discovered a mass grave; delayed the election|postponed the vote; "
            "sued a tobacco giant|took a cigarette maker to court; "
            "mourned crash victims|grieved for crash victims; "
            "destroyed a chemical plant|blew up a chemical factory; "
            "warned of bird flu|raised alarm over avian flu; "
            "signed a trade pact|agreed to a trade treaty",
        ),
        _slot(
            0.8,
            "recently|at some point|lately",
            "after a deadly earthquake|following a fatal quake; on Monday morning|early on Monday; "
            "amid mass protests|during huge demonstrations; "
            "despite a court order|in defiance of a court ruling; "
            "ahead of the summit|before the leaders met; "
            "after weeks of talks|following long negotiations; "
            "on Christmas Eve|the day before Christmas; "
            "under pressure from voters|as voters demanded it; "
            "after a violent storm|in the wake of a hurricane; "
            "at midnight on Friday|late on Friday night",
        ),
        _slot(
            0.5,
            "",
            ", sources say|, according to sources; , a poll shows|, a survey finds; "
            ", despite critics|, in spite of critics; , as markets fell|, while stocks dropped; "
            ", for the second time|, once again; , in a surprise move|, unexpectedly; "
            ", after a long debate|, following lengthy debate",
        ),
    ),
    stop="",
    share=0.3,
    tilt=0.07,
)

POSTS = Genre(
    templates=("you should {0} {1} {2} {3}", "I would {0} {1} {2} {3}", "{2} I would {0} {1} {3}"),
    slots=(
        _slot(
            1.0,
            "do something about|deal with|see to",
            "repair|fix; sell|offer for sale; replace|buy a new one instead of; clean|wipe down; "
            "return|send back; measure|take the size of; "
            "paint|put some paint on; insure|buy insurance for; "
            "hide|put out of sight; move|shift; lock|secure; photograph|take a picture of",
        ),
        _slot(
            1.4,
            "it|that thing|the item",
            "the dishwasher|the machine that does the dishes; the old sofa|the worn couch; "
            "the bathroom tiles|the tiles in the bath; "
            "the laptop screen|the display of the laptop; "
            "the bicycle chain|the chain of the bike; the kitchen sink|the sink in the kitchen; "
            "the oak door|the door of oak; the garden hose|the hose in the garden; "
            "the leather boots|the boots of leather; the diesel engine|the engine of the truck; "
            "the camera lens|the lens of the camera; the wooden floor|the hardwood floor; "
            "the guest bed|the bed for visitors; the tax papers|the tax documents",
        ),
        _slot(
            0.8,
            "anyway|somehow|at any rate",
            "with warm water|using heated water; before the winter|ahead of the cold season; "
            "at the local shop|in a store nearby; for a fair price|at a reasonable cost; "
            "with a sharp knife|using a keen blade; as soon as possible|right away; "
            "once a year|every twelve months; with your landlord|together with the owner; "
            "when the baby sleeps|during the baby's nap; at the weekend|on Saturday or Sunday",
        ),
        _slot(
            0.5,
            "",
            ", if it is allowed|, provided it is legal; , to save money|, so that you spend less; "
            ", since it is dangerous|, because it is not safe; , as my father did|, like my dad; "
            ", unless it is broken|, if it still works; , with some help|, together with a friend",
        ),
    ),
    stop=".",
    share=0.25,
    tilt=-0.04,
)

GENRES = (CAPTIONS, HEADLINES, POSTS)
