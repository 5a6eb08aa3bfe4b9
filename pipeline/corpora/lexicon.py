"""Words for synthetic film reviews, each opinion with its polarity from -2 (worst) to 2."""

from collections.abc import Mapping, Sequence


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


ADJECTIVES: Mapping[int, Sequence[str]] = {
    2: _words(
        "brilliant|superb|wonderful|magnificent|stunning|extraordinary|masterful|"
        "dazzling|sublime|unforgettable|outstanding|exquisite|marvelous|breathtaking|"
        "electrifying|perfect|remarkable|fantastic"
    ),
    1: _words(
        "good|funny|charming|clever|pleasant|enjoyable|likable|amusing|warm|lively|"
        "touching|engaging|sweet|witty|thoughtful|fresh|entertaining|graceful|"
        "interesting|solid"
    ),
    -1: _words(
        "dull|weak|flat|silly|slow|predictable|uneven|thin|forgettable|clumsy|"
        "stale|tired|confusing|bland|shallow|noisy|messy|lazy|tedious|mediocre"
    ),
    -2: _words(
        "awful|terrible|horrible|dreadful|atrocious|unbearable|disastrous|pathetic|"
        "disgusting|worthless|abysmal|excruciating|ridiculous|hideous|unwatchable|"
        "appalling|insulting|incompetent"
    ),
}

# what "not" leaves of a polarity: "not good" is bad, "not awful" is hardly praise
NEGATED: Mapping[int, float] = {2: -0.6, 1: -1.0, -1: 0.8, -2: 0.3}
NEGATORS = ("not", "hardly", "never", "not at all", "not exactly", "far from")
BOOSTERS = _words(
    "very|truly|really|deeply|extremely|utterly|thoroughly|remarkably|absolutely|genuinely"
)
SOFTENERS = ("somewhat", "fairly", "slightly", "mildly", "rather", "a little", "almost")
BOOST, SOFTEN = 1.5, 0.5

ASPECTS = _words(
    "the plot|the script|the acting|the cast|the camera work|the music|the dialogue|"
    "the pace|the direction|the ending|the humor|the romance|the lead actor|"
    "the lead actress|the story|the editing|the villain|the opening|the final act|"
    "the score|the chemistry of the leads|the supporting cast|the production design|"
    "the mystery|the voice work|the animation|the central idea|the screenplay|"
    "the second half|the love story"
)
FILMS = _words(
    "the film|the movie|the picture|this sequel|this remake|this debut|this drama|"
    "this comedy|this thriller|this adaptation|this documentary|the whole thing"
)
GENRES = _words(
    "comedy|drama|thriller|romance|western|musical|documentary|horror movie|"
    "crime story|war movie|family film|love story|road movie|mystery|satire|fantasy|"
    "biography|adventure"
)

# said of a film or one of its aspects
PREDICATES: Mapping[float, Sequence[str]] = {
    2.4: _words(
        "will stay with me for years|deserves every award|left me speechless with joy|"
        "is one of the best of the year|is a masterpiece|takes the breath away|"
        "is pure magic|could not be better|is a triumph from start to finish|"
        "is among the finest ever made"
    ),
    1.0: _words(
        "holds our attention|wins us over|works well enough|"
        "has its heart in the right place|is worth a look|has plenty of charm|"
        "keeps us smiling|hits the right notes|gets the job done|is easy to enjoy|"
        "has real feeling|does n't disappoint|pays off"
    ),
    0.0: _words(
        "runs just under two hours|is based on a short novel|was shot in a single summer|"
        "takes place over one weekend|is told in three parts|moves back and forth in time|"
        "opens in theaters on friday|comes from the studio behind the first one|"
        "was written by two brothers|is neither here nor there|follows the book closely|"
        "will divide audiences|is about what you would expect|is neither good nor bad"
    ),
    -1.0: _words(
        "falls flat|does n't quite work|never finds its feet|runs out of steam|"
        "lacks energy|wears out its welcome|goes nowhere|leaves us cold|tries too hard|"
        "misses the mark|does n't hold together|fails to convince|has little to say|"
        "loses its way"
    ),
    -2.4: _words(
        "is a complete waste of time|made me want to leave|is an insult to the audience|"
        "is one of the worst of the year|is a disaster from start to finish|"
        "is painful to sit through|could not be worse|"
        "is an embarrassment to everyone involved|has no reason to exist|"
        "is among the worst ever made"
    ),
}

PEOPLE = _words(
    "a young teacher|two brothers|a retired detective|a lonely widow|a small-town doctor|"
    "three old friends|a struggling musician|a farmer and his son|an ambitious lawyer|"
    "a nurse|a pair of thieves|a soldier home from war|a single mother|a french chef|"
    "a taxi driver|an aging boxer|a group of students|a quiet librarian|a night watchman|"
    "an american painter"
)
DEEDS = _words(
    "returns to a village by the sea|looks for a missing child|opens a small restaurant|"
    "crosses the country by train|inherits an old house|plans one last robbery|"
    "moves in with a stranger|takes a job at a hotel|learns to dance|runs for mayor|"
    "hides a letter for thirty years|meets an old rival|joins a traveling circus|"
    "tries to save the family farm|spends a winter in the mountains|witnesses a crime"
)
SETTINGS = _words(
    "in paris|in new york|in a mining town|in the 1950s|on a small island|"
    "during the war|in rural texas|in the future|at a boarding school|in modern tokyo|"
    "in the old west|on the road|in a london suburb|in the middle of winter|"
    "over one long night"
)
FRAMES = _words(
    "in the end|for the most part|to be fair|like it or not|at ninety minutes|"
    "as a whole|for fans of the genre|on the big screen|at its core|"
    "all things considered|for better or worse|despite the trailer|as you might guess|"
    "for a summer release"
)

VERDICTS: Mapping[int, Sequence[str]] = {
    1: _words(
        "I loved this movie .|What a wonderful film !|I highly recommend it to everyone .|"
        "It is one of the best movies I have ever seen .|I enjoyed every minute of it .|"
        "Do yourself a favor and go see it .|"
        "It is a great movie and I will watch it again .|This is a truly excellent film .|"
        "I was delighted from beginning to end .|I give it ten out of ten .|"
        "Everyone should see this beautiful film .|"
        "It made me laugh , it made me cry , and I loved it .|"
        "A perfect evening at the movies ."
    ),
    0: _words(
        "I hated this movie .|What a terrible film !|I can not recommend it to anyone .|"
        "It is one of the worst movies I have ever seen .|I was bored every minute of it .|"
        "Do yourself a favor and stay away .|"
        "It is a bad movie and I will never watch it again .|This is a truly awful film .|"
        "I was annoyed from beginning to end .|I give it one out of ten .|"
        "Nobody should see this stupid film .|"
        "It made me yawn , it made me groan , and I hated it .|"
        "A wasted evening at the movies ."
    ),
}
ASIDES = _words(
    "I saw it with my sister last weekend .|I had not heard of the director before .|"
    "The theater was half empty that night .|We rented it because of the cover .|"
    "I have read the book twice .|It came on television late one evening .|"
    "My father used to tell me about the original .|There were subtitles in my copy .|"
    "I will not give away the ending here .|Some scenes were shot near my home town .|"
    "The same studio made another one a year later .|I watched it on a long flight .|"
    "It was released in the autumn .|The running time is about two hours .|"
    "A friend lent me the disc .|There is a short scene after the credits ."
)
