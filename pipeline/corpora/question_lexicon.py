"""What synthetic questions are about: intents with their templates, slots, and conditions."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Intent:
    """One thing that people ask; {0} and {1} in its templates are slots, {no} may hold "not".

    `repeated` and `confused` weigh how often it comes in duplicates and in other pairs: some
    things are asked again and again, others only look alike.
    """

    templates: tuple[str, ...]
    fillers: tuple[tuple[str, ...], ...]
    conditions: tuple[str, ...]  # keys of CONDITIONS that make sense with it
    repeated: float
    confused: float

    @property
    def is_directed(self) -> bool:
        """Say whether two slots can change places, and mean something else then."""
        return len(self.fillers) == 2 and self.fillers[0] == self.fillers[1]

    @property
    def can_be_negated(self) -> bool:
        """Say whether every template has a place for "not"."""
        return all("{no}" in template for template in self.templates)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


SKILLS = _words(
    "English|French|Spanish|the guitar|the piano|chess|cooking|drawing|programming|swimming|"
    "photography|public speaking|yoga|mathematics|dancing|web design|creative writing|singing"
)
GOALS = _words(
    "lose weight|sleep better|save money|stop smoking|build muscle|make new friends|read faster|"
    "wake up early|gain confidence|improve my memory|stay motivated|reduce stress|eat less sugar|"
    "get rid of acne|write a good essay|earn money online|overcome shyness|stop procrastinating"
)
CITIES = _words(
    "London|Paris|Tokyo|Berlin|Mumbai|Chicago|Sydney|Toronto|Madrid|Rome|Moscow|Dubai|Boston|Seoul"
)
JOBS = _words(
    "teaching|nursing|marketing|accounting|engineering|law|journalism|banking|medicine|sales|"
    "data science|consulting|acting|politics"
)
PRODUCTS = _words(
    "laptop|phone|camera|bicycle|watch|pair of headphones|used car|vacuum cleaner|printer|tent|"
    "keyboard|guitar|mattress|television"
)
AMOUNTS = _words("fifty|100|150|200|300|500|800|1000|1500|2000")
THINGS = _words(
    "apples|bananas|oranges|grapes|potatoes|carrots|beans|eggs|nuts|tomatoes|mushrooms|peaches|"
    "lentils|oats|berries|peas"
)
SUBJECTS = _words(
    "world history|economics|physics|psychology|philosophy|astronomy|machine learning|biology|"
    "investing|ancient Rome|chemistry|art history|evolution|statistics"
)
HABITS = _words(
    "drink coffee at night|skip breakfast|eat eggs every day|run in the morning|sleep after lunch|"
    "use a phone in bed|take cold showers|tell white lies|date a coworker|work at weekends|"
    "lend money to friends|shave every day|drink milk with dinner|study late at night"
)
ACCOUNTS = _words("Gmail|Facebook|Instagram|Yahoo|Twitter|Apple|Amazon|Netflix|Skype|LinkedIn")
FACTS = _words(
    "the sky is blue|cats purr|leaves change color|people dream|ice floats|the sea is salty|"
    "onions make us cry|birds migrate|we get hiccups|metals conduct heat|the moon has phases|"
    "wolves howl|time zones exist|stars twinkle"
)

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "lose weight": ("shed some pounds", "slim down"),
    "sleep better": ("improve my sleep", "get better sleep"),
    "save money": ("put money aside", "cut my spending"),
    "stop smoking": ("quit smoking", "give up cigarettes"),
    "build muscle": ("gain muscle", "become more muscular"),
    "make new friends": ("meet new people", "find friends"),
    "read faster": ("increase my reading speed",),
    "wake up early": ("get up early", "become an early riser"),
    "gain confidence": ("become more confident", "build self-esteem"),
    "improve my memory": ("get a better memory", "remember things better"),
    "stay motivated": ("keep my motivation",),
    "reduce stress": ("feel less stressed", "lower my stress"),
    "eat less sugar": ("cut down on sugar",),
    "get rid of acne": ("clear my skin of acne", "get rid of pimples"),
    "write a good essay": ("write a great essay",),
    "earn money online": ("make money on the internet", "make money online"),
    "overcome shyness": ("stop being shy",),
    "stop procrastinating": ("overcome procrastination",),
    "programming": ("coding", "computer programming"),
    "mathematics": ("maths",),
    "laptop": ("notebook computer",),
    "phone": ("mobile phone", "smartphone"),
    "bicycle": ("bike",),
    "used car": ("second-hand car",),
    "television": ("TV",),
    "medicine": ("the medical profession",),
    "law": ("the legal profession",),
    "skip breakfast": ("go without breakfast", "not eat breakfast"),
    "sleep after lunch": ("nap after lunch",),
    "use a phone in bed": ("look at a phone in bed",),
    "date a coworker": ("go out with a colleague",),
    "work at weekends": ("work on Saturdays and Sundays",),
    "world history": ("the history of the world",),
    "machine learning": ("artificial intelligence",),
    "people dream": ("we dream",),
    "birds migrate": ("birds fly south",),
}

# what narrows a question, each in words that mean the same
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "alone": ("on my own", "all by myself", "without any help"),
    "free": ("without spending any money", "with no money at all", "for free"),
    "week": ("within a week", "in only seven days", "in less than a week"),
    "beginner": ("as a complete beginner", "with no experience", "with no earlier knowledge"),
    "busy": ("with a full-time job", "while working long hours", "with very little free time"),
    "student": ("as a student", "while at university", "as a college student"),
    "old": ("after the age of sixty", "as a retired person", "at an old age"),
    "parent": ("with a small child", "as a parent of a toddler", "with a young kid"),
    "teen": ("at sixteen", "as a teenager", "as a high school student"),
    "pregnant": ("during pregnancy", "while pregnant", "as a pregnant woman"),
    "ill": ("with a bad back", "despite constant back pain", "in spite of an aching back"),
    "blind": ("with poor eyesight", "as a blind person", "if one can hardly see"),
    "abroad": ("as a foreigner", "as a person from abroad", "as someone from another country"),
    "india": ("in India", "as an Indian", "for somebody in India"),
    "summer": ("during the summer", "in the summer months", "when it is hot outside"),
    "winter": ("in winter", "during the cold months", "when it is cold outside"),
    "crisis": ("in a bad economy", "during an economic crisis", "in a recession"),
    "night": ("at night", "after dark", "once the sun has set"),
    "desert": ("in the desert", "where it never rains", "in very dry places"),
}
_PERSONAL = ("busy", "student", "old", "parent", "teen", "pregnant", "ill", "blind", "abroad")
_MANNER = (*_PERSONAL, "alone", "free", "week", "beginner", "india")
_SEASONAL = (*_PERSONAL, "summer", "winter", "crisis")
_NATURAL = ("summer", "winter", "night", "desert")

INTENTS: tuple[Intent, ...] = (
    Intent(
        _words(
            "what is the best way to learn {0}|how can I learn {0}|how do I get good at {0}|"
            "how should one start learning {0}|what should I do to become better at {0}"
        ),
        (SKILLS,),
        conditions=_MANNER,
        repeated=1.5,
        confused=0.9,
    ),
    Intent(
        _words(
            "how can I {0}|what should I do to {0}|what are some good ways to {0}|"
            "how do people manage to {0}|which habits will help me to {0}|what helps to {0}"
        ),
        (GOALS,),
        conditions=_MANNER,
        repeated=2.0,
        confused=0.9,
    ),
    Intent(
        _words(
            "what is the cheapest way to get from {0} to {1}|how do I travel from {0} to {1}|"
            "how long is the trip from {0} to {1}|which airlines fly from {0} to {1}"
        ),
        (CITIES, CITIES),
        conditions=_SEASONAL,
        repeated=0.3,
        confused=0.8,
    ),
    Intent(
        _words(
            "how do I change my career from {0} to {1}|is it wise to move from {0} to {1}|"
            "how hard is it to switch from {0} to {1}|should I leave {0} and go into {1}"
        ),
        (JOBS, JOBS),
        conditions=_SEASONAL,
        repeated=0.5,
        confused=0.9,
    ),
    Intent(
        _words(
            "which is the best {0} under {1} dollars|what {0} should I buy for {1} dollars|"
            "can you recommend a good {0} for less than {1} dollars|"
            "where can I find a decent {0} below {1} dollars"
        ),
        (PRODUCTS, AMOUNTS),
        conditions=_PERSONAL,
        repeated=0.6,
        confused=1.0,
    ),
    Intent(
        _words(
            "are {0} better than {1}|why do some people prefer {0} to {1}|"
            "what makes {0} superior to {1}|is it true that {0} beat {1}"
        ),
        (THINGS, THINGS),
        conditions=_SEASONAL,
        repeated=0.5,
        confused=0.9,
    ),
    Intent(
        _words(
            "what are the best books on {0}|which book should I read about {0}|"
            "can you suggest a good book on {0}|what is a great introduction to {0}"
        ),
        (SUBJECTS,),
        conditions=_PERSONAL,
        repeated=1.4,
        confused=0.7,
    ),
    Intent(
        _words(
            "is it bad {no}to {0}|what happens if I decide {no}to {0}|is it healthy {no}to {0}|"
            "would it be wrong {no}to {0}|why is it a bad idea {no}to {0}"
        ),
        (HABITS,),
        conditions=_SEASONAL,
        repeated=0.9,
        confused=1.1,
    ),
    Intent(
        _words(
            "how do I reset my {0} password|I forgot my {0} password, what can I do|"
            "what should I do to recover my {0} account|how can I get back into my {0} account"
        ),
        (ACCOUNTS,),
        conditions=_MANNER,
        repeated=1.4,
        confused=0.6,
    ),
    Intent(
        _words(
            "what is the cost of living in {0}|how much does it cost to live in {0}|"
            "how expensive is life in {0}|how much money do I need each month in {0}"
        ),
        (CITIES,),
        conditions=_SEASONAL,
        repeated=1.0,
        confused=1.0,
    ),
    Intent(
        _words(
            "why is it that {0}|what is the reason that {0}|how do scientists explain that {0}|"
            "what is the simple explanation of why {0}"
        ),
        (FACTS,),
        conditions=_NATURAL,
        repeated=1.3,
        confused=0.8,
    ),
)
