"""The pydantic schema of params.yaml. Only this module validates its values."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.core.tasks import (
    CORPORA,
    IDLE_HEADS,
    PAIR_ENCODINGS,
    SPLITS,
    CorpusName,
    IdleHeads,
    Mode,
    PairEncoding,
    Split,
)
from pipeline.core.yaml12 import read_yaml
from pipeline.errors import ParamsError

LOCAL = "local:"  # prefix for a directory with the user's own files
PINNED_BACKBONES = ("all-MiniLM-L6-v2", "bert-base-uncased")


def _spelled_as_in_dvc(value: Any, check: ValidatorFunctionWrapHandler) -> float:
    """Reject 10 for 10.0 and -0.0 for 0.0.

    `dvc status` considers them equal, but DVC's run cache does not: changing the spelling and then
    changing it back would train the run again.
    """
    number: float = check(value)
    meant = number + 0.0  # -0.0 becomes 0.0
    if repr(meant) != repr(value):
        raise ValueError(f"write {meant!r}, not {value!r}: to DVC, these are different numbers")
    return number


def _in_order_of_turns(sizes: dict[CorpusName, int]) -> dict[CorpusName, int]:
    """Reject corpora in a different order: it affects training, but DVC would not notice it."""
    wanted = [name for name in CORPORA if name in sizes]
    if list(sizes) != wanted:
        raise ValueError(
            f"write its corpora in the order of their turns ({', '.join(wanted)}); DVC would not "
            "notice a different order"
        )
    return sizes


Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0.0, allow_inf_nan=False), WrapValidator(_spelled_as_in_dvc)]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0), WrapValidator(_spelled_as_in_dvc)]
Confidence = Annotated[float, Field(gt=0.5, lt=1.0), WrapValidator(_spelled_as_in_dvc)]


def _valid_name(name: str) -> str:
    """Reject characters that are special in a shell or that DVC does not allow in a key."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError("a name may contain only a-z, 0-9 and single '-'")
    return name


def _known_backbone(name: str) -> str:
    if name not in PINNED_BACKBONES and not re.fullmatch(r"local:.+", name):
        allowed = ", ".join([*PINNED_BACKBONES, "local:<directory>"])
        raise ValueError(f"unknown backbone {name!r}; allowed: {allowed}")
    return name


Name = Annotated[str, AfterValidator(_valid_name)]
Backbone = Annotated[str, AfterValidator(_known_backbone)]


class Section(BaseModel):
    """A section of params.yaml: frozen and strict, without missing or unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


AnySection = TypeVar("AnySection", bound=Section)


class SplitSizes(Section):
    """Number of examples in each split of a generated corpus."""

    train: Positive
    dev: Positive
    test: Positive


class SyntheticCorpora(Section):
    """Corpora generated from the seed."""

    source: Literal["synthetic"]
    sizes: dict[CorpusName, SplitSizes]

    @model_validator(mode="after")
    def _every_corpus_has_a_size(self) -> Self:
        missing = [name for name in CORPORA if name not in self.sizes]
        if missing:
            raise ValueError(f"sizes are missing for: {', '.join(missing)}")
        return self


class Cs224nCorpora(Section):
    """The files of the CS224N default project."""

    source: Literal["cs224n"]
    quora_split: Literal["carved", "published"]


class LocalCorpora(Section):
    """The user's own files. A corpus without files is left out."""

    source: Annotated[str, Field(pattern=r"^local:.+")]

    @property
    def directory(self) -> Path:
        """Return the directory with the files `<corpus>-<split>.csv` or `.tsv`."""
        return Path(self.source.removeprefix(LOCAL)).expanduser()

    def file_of(self, corpus: CorpusName, split: Split) -> Path | None:
        """Return the file of a split, or None if there is none.

        Its name is `sts-train.csv`, `sts/train.csv` or the one in the course's folder
        (`ids-sst-train.csv`, `sts-test-student.csv`), with suffix `.csv` or `.tsv`.

        Raises:
            ParamsError: several files match this split.
        """
        stems = [f"{corpus}-{split}", f"ids-{corpus}-{split}", f"{corpus}/{split}"]
        stems += [f"{stem}-student" for stem in stems[:2] if split == "test"]
        paths = [self.directory / f"{stem}{end}" for stem in stems for end in (".csv", ".tsv")]
        found = [path for path in paths if path.is_file()]
        if len(found) > 1:
            several = " and ".join(str(path) for path in found)
            raise ParamsError(f"{several} are both the {split} split of {corpus}; keep one of them")
        return found[0] if found else None

    def present(self) -> tuple[CorpusName, ...]:
        """Return the corpora that have files.

        Raises:
            ParamsError: the directory cannot be used or has no corpus, or a corpus lacks a split.
        """
        if not self.directory.is_dir():
            raise ParamsError(f"{self.source}: {self.directory} is not a directory; create it")
        place, project = self.directory.resolve(), Path.cwd()
        if project.is_relative_to(place) or place.is_relative_to(project / paths.DATA):
            raise ParamsError(
                f"{self.source}: the pipeline itself writes into {self.directory}; put your files "
                "into a separate directory"
            )
        splits = {name: [s for s in SPLITS if self.file_of(name, s)] for name in CORPORA}
        present = tuple(name for name, found in splits.items() if found)
        for name in present:
            if missing := {"train", "dev"} - set(splits[name]):
                split = max(missing)
                raise ParamsError(
                    f"{self.directory} has the {splits[name][0]} split of {name} but not the "
                    f"{split} split; add {name}-{split}.csv, or remove the other files to leave "
                    "the corpus out"
                )
        if not present:
            raise ParamsError(
                f"{self.directory} contains no corpus; it needs <corpus>-train.csv and "
                f"<corpus>-dev.csv (or .tsv) of at least one of: {', '.join(CORPORA)}"
            )
        return present


class Epochs(Section):
    """Number of epochs for each mode of a run."""

    pretrain: Positive
    finetune: Positive


class Scales(Section):
    """Factor for the learning rate, for each mode of a run."""

    pretrain: Rate
    finetune: Rate


def _kind_of_corpora(section: Any) -> str:
    """Return the discriminator tag of a `corpora` section, which depends on its `source`."""
    is_raw = isinstance(section, Mapping)
    source = section.get("source") if is_raw else getattr(section, "source", None)
    return "local" if str(source).startswith(LOCAL) else str(source)


CorporaParams = Annotated[
    Annotated[SyntheticCorpora, Tag("synthetic")]
    | Annotated[Cs224nCorpora, Tag("cs224n")]
    | Annotated[LocalCorpora, Tag("local")],
    Discriminator(
        _kind_of_corpora,
        custom_error_type="source",
        custom_error_message="source must be synthetic, cs224n or local:<directory>",
    ),
]


class ProfileParams(Section):
    """The corpora and backbone, the number of epochs, and the learning rate factors."""

    corpora: CorporaParams
    backbone: Backbone
    epochs: Epochs
    learning_rate_scale: Scales

    @property
    def is_synthetic(self) -> bool:
        """Return whether the corpora are generated, and so not comparable to published scores."""
        return isinstance(self.corpora, SyntheticCorpora)

    @property
    def is_papers(self) -> bool:
        """Return whether the corpora are the paper's, so that its scores are comparable."""
        return isinstance(self.corpora, Cs224nCorpora)


class TokensParams(Section):
    """How text is tokenized."""

    max_length: Annotated[int, Field(ge=6, le=512)]  # 6: a joint pair with one token per sentence


class OptimizerParams(Section):
    """Settings of AdamW, except the learning rate."""

    weight_decay: Fraction
    betas: Annotated[tuple[Fraction, Fraction], Field(strict=False)]
    epsilon: Rate


class ForwardParams(Section):
    """How the backbone computes in training, evaluation and feature extraction."""

    precision: Literal["auto", "bf16", "fp32"]
    layers: Literal["auto", "fused", "plain"]
    attention: Literal["sdpa", "eager"]
    pack_tokens: bool
    cheap_dropout: bool
    merge_pairs: bool
    trim_last_layer: bool


class TrainingSpeedParams(Section):
    """How a training step is computed."""

    bucket_batches: Positive
    trim_vocabulary: bool
    fused_adamw: bool
    keep_memory: bool


class SpeedParams(Section):
    """Settings that change the speed of a run but not its objective."""

    forward: ForwardParams
    training: TrainingSpeedParams


class CheckpointsParams(Section):
    """How often to write a checkpoint, from which a killed run can resume."""

    every_seconds: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]  # no stage depends on it
    every_steps: Positive


class EvaluationParams(Section):
    """How the dev and test sets are scored."""

    batch_size: Positive
    bootstrap_resamples: Annotated[int, Field(ge=100)]
    confidence: Confidence


class RunParams(Section):
    """One training run: a row of Table 2, or three rows if it is multi-task."""

    mode: Mode
    learning_rate: Rate
    batch_size: Annotated[  # examples per step
        dict[CorpusName, Positive], Field(min_length=1), AfterValidator(_in_order_of_turns)
    ]
    dropout: Fraction  # applied before each head
    # required where they apply and rejected elsewhere (`inapplicable_keys`)
    pair_encoding: PairEncoding | None = None  # for runs on pairs
    idle_heads: IdleHeads | None = None  # for multi-task runs

    @property
    def pair_corpora(self) -> tuple[CorpusName, ...]:
        """Return the run's corpora whose examples are pairs."""
        return tuple(name for name in self.batch_size if CORPORA[name].is_pair)

    def encoding_of(self, corpus: CorpusName) -> PairEncoding | None:
        """Return how the run encodes the pairs of a corpus; None if the corpus has no pairs."""
        return self.pair_encoding if CORPORA[corpus].is_pair else None

    @property
    def corpora(self) -> tuple[CorpusName, ...]:
        """Return the run's corpora in the order of their turns."""
        return tuple(self.batch_size)

    @property
    def scheme(self) -> Literal["single-task", "multi-task"]:
        """Return the paper's name for runs with this number of corpora."""
        return "single-task" if len(self.batch_size) == 1 else "multi-task"


class ConfigurationParams(Section):
    """One row of Table 3: a run and the corpus that it is scored on."""

    run: str
    corpus: CorpusName


class Params(Section):
    """The content of params.yaml."""

    profile: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    device: Literal["auto", "cuda", "mps", "cpu"]
    profiles: Annotated[dict[Name, ProfileParams], Field(min_length=1)]
    tokens: TokensParams
    optimizer: OptimizerParams
    speed: SpeedParams
    checkpoints: CheckpointsParams
    evaluation: EvaluationParams
    runs: Annotated[dict[Name, RunParams], Field(min_length=1)]
    configurations: Annotated[dict[Name, ConfigurationParams], Field(min_length=1)]
    _left_out: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _all_runs: Mapping[str, RunParams] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        problems = list(_mistakes(self))
        if problems:
            raise ValueError("\n  ".join(problems))
        return self

    @property
    def active(self) -> ProfileParams:
        """Return the active profile."""
        return self.profiles[self.profile]

    @property
    def left_out(self) -> Mapping[str, str]:
        """Return the runs that are left out because a corpus has no files, and why."""
        return self._left_out

    @property
    def all_runs(self) -> Mapping[str, RunParams]:
        """Return all runs in params.yaml, including those left out; dvc.yaml lists the same."""
        return self._all_runs or self.runs

    def run(self, name: str) -> RunParams:
        """Return a run by its name.

        Raises:
            ParamsError: there is no such run, or it is left out.
        """
        if name in self.left_out:
            raise ParamsError(f"run {name!r} is left out: {self.left_out[name]}")
        try:
            return self.runs[name]
        except KeyError:
            known = ", ".join(self.runs)
            raise ParamsError(f"unknown run {name!r}; params.yaml has: {known}") from None

    def epochs(self, run: RunParams) -> int:
        """Return the number of epochs for a run in the active profile."""
        return int(getattr(self.active.epochs, run.mode))

    def learning_rate(self, run: RunParams) -> float:
        """Return the learning rate for a run in the active profile."""
        return run.learning_rate * float(getattr(self.active.learning_rate_scale, run.mode))


def _mistakes(params: Params) -> Iterator[str]:
    """Yield a message for each unknown name and for each missing or inapplicable key."""
    if params.profile not in params.profiles:
        yield f"profile: unknown profile {params.profile!r}; allowed: {', '.join(params.profiles)}"
    for name, run in params.runs.items():
        yield from inapplicable_keys(f"runs.{name}", run)
    for name, row in params.configurations.items():
        where = f"configurations.{name}"
        if row.run not in params.runs:
            yield f"{where}.run: unknown run {row.run!r}; allowed: {', '.join(params.runs)}"
        elif row.corpus not in params.runs[row.run].batch_size:
            yield (
                f"{where}.corpus: run {row.run!r} does not train on {row.corpus!r}; "
                f"allowed: {', '.join(params.runs[row.run].corpora)}"
            )


def inapplicable_keys(where: str, run: RunParams) -> Iterator[str]:
    """Yield a message for each reading of the paper that a run lacks or that does not apply."""
    for key, is_needed, what, words in (
        ("pair_encoding", bool(run.pair_corpora), "pairs", PAIR_ENCODINGS),
        ("idle_heads", run.scheme == "multi-task", "several heads", IDLE_HEADS),
    ):
        value, corpora = getattr(run, key), ", ".join(run.corpora)
        if is_needed and value is None:
            yield (
                f"{where}.{key}: missing, and this run has {what} ({corpora}); "
                f"allowed: {', '.join(words)}"
            )
        if value and not is_needed:
            yield f"{where}.{key}: only for runs with {what}, not for {corpora}; remove the key"


def load_params(path: Path = paths.PARAMS) -> Params:
    """Read and validate params.yaml.

    If the active profile uses the user's own files, a corpus without files is removed from all
    runs. A run that then has no corpus, or a multi-task run with only one, is left out.

    Raises:
        ParamsError: one line per invalid key, with its full path and the allowed values.
    """
    params = load_section(Params, path)
    corpora = params.active.corpora
    return _with_corpora(params, corpora) if isinstance(corpora, LocalCorpora) else params


def _with_corpora(params: Params, corpora: LocalCorpora) -> Params:
    """Leave out the runs and rows that need a corpus without files."""
    present = corpora.present()
    runs, left_out = {}, {}
    for name, run in params.runs.items():
        kept = {corpus: size for corpus, size in run.batch_size.items() if corpus in present}
        missing = " and ".join(corpus for corpus in run.corpora if corpus not in present)
        if len(kept) < min(2, len(run.batch_size)):
            left_out[name] = f"{corpora.directory} has no files of {missing}"
        else:
            runs[name] = run.model_copy(update={"batch_size": kept})
    rows = {
        name: row
        for name, row in params.configurations.items()
        if row.run in runs and row.corpus in present
    }
    if not rows:
        raise ParamsError(
            f"no row of `configurations` is left: {'; '.join(dict.fromkeys(left_out.values()))}"
        )
    reduced = params.model_copy(update={"runs": runs, "configurations": rows})
    reduced._left_out, reduced._all_runs = left_out, params.runs
    return reduced


def load_section(kind: type[AnySection], path: Path) -> AnySection:
    """Read a YAML file and validate it against a schema.

    Raises:
        ParamsError: one line per invalid key, with its full path and the allowed values.
    """
    try:
        raw = read_yaml(path)
    except FileNotFoundError:
        raise ParamsError(f"{path} is missing; run from the repository root") from None
    except OSError as error:
        raise ParamsError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ParamsError(f"{path} is not valid YAML: {error}; correct it") from None
    return checked(kind, raw, str(path))


def checked(kind: type[AnySection], raw: Any, source: str) -> AnySection:
    """Validate plain values against a schema.

    Raises:
        ParamsError: as for `load_section`.
    """
    if not isinstance(raw, Mapping):
        raise ParamsError(f"{source} is not valid: expected keys and values, found {raw!r}")
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        lines = [f"  {_sentence(detail)}" for detail in error.errors()]
        raise ParamsError(f"{source} is not valid:\n" + "\n".join(lines)) from None


def switch_profile(name: str, path: Path) -> None:
    """Activate a profile by editing the line `profile: ...` of params.yaml.

    Raises:
        ParamsError: the profile does not exist, or the file has no such line.
    """
    known = load_params(path).profiles
    if name not in known:
        raise ParamsError(f"unknown profile {name!r}; allowed: {', '.join(known)}")
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(r"(?m)^(profile:[ \t]*)[^\s#]+", rf"\g<1>{name}", text)
    if count != 1:
        raise ParamsError(f"{path} has no separate line `profile: ...`; edit it by hand")
    if changed != text:
        write_text(path, changed)


def _sentence(detail: ErrorDetails) -> str:
    """Format a pydantic error as one line: the invalid key, the problem and the value."""
    parts = [str(part) for part in detail["loc"] if part != "[key]"]  # pydantic adds this
    if parts[:1] == ["profiles"] and parts[2:3] == ["corpora"]:
        del parts[3:4]  # the union tag, which pydantic also adds
    key, message = ".".join(parts), detail["msg"].removeprefix("Value error, ")
    if detail["type"] in ("missing", "value_error"):
        return f"{key}: {message}".removeprefix(": ")
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if detail["type"] == "model_type":  # pydantic would name a class
        message = "expected keys and values"
    shown, kind = repr(detail["input"]), type(detail["input"]).__name__
    # with the type, because '3e-05' and 3e-05 look alike
    return f"{key}: {message}, not {shown if len(shown) <= 60 else shown[:57] + '...'} ({kind})"
