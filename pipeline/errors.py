"""What can go wrong through no fault of the code: each is shown to the user as one line."""


class PipelineError(Exception):
    """A mistake the user can mend; the message says what, where, and what would be right."""

    exit_status = 1


class ParamsError(PipelineError):
    """params.yaml or trials.yaml is not valid."""


class CorpusError(PipelineError):
    """A corpus file is missing, damaged, or not what it should be."""


class BackboneError(PipelineError):
    """Backbone files are missing, damaged, or do not fit the model."""


class FetchError(PipelineError):
    """A pinned file could not be had from any route, or its hash does not match."""


class ValidationError(PipelineError):
    """A critical finding in the corpora: training on them would mislead."""


class TrainingError(PipelineError):
    """Training cannot go on: its inputs changed, or its numbers went wrong."""


class ReportError(PipelineError):
    """Something the report is made of is missing or damaged."""


class InputError(PipelineError):
    """What a command was given cannot be read, or is not what it works on."""


class RevisionError(PipelineError):
    """There is no such revision, or its files are not here."""


class PlanError(PipelineError):
    """DVC cannot say what would run."""


class LaunchError(PipelineError):
    """Stages that ran at once failed, or cannot be run at once."""


class SchemaError(PipelineError):
    """A stored file was written by another version of this project."""


class StopError(PipelineError):
    """Somebody asked this process to stop, and it did at a place from which it can go on."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # as a shell reports it
