"""Errors that are not bugs. Each is shown to the user as one line."""


class PipelineError(Exception):
    """An error that the user can fix; the message says what is wrong, where, and how to fix it."""

    exit_status = 1


class ParamsError(PipelineError):
    """params.yaml or trials.yaml is not valid."""


class CorpusError(PipelineError):
    """A corpus file is missing, damaged, or not what it should be."""


class BackboneError(PipelineError):
    """Backbone files are missing, damaged, or do not fit the model."""


class FetchError(PipelineError):
    """No source has a pinned file, or its hash does not match."""


class ValidationError(PipelineError):
    """The corpora have a critical finding: training on them would give wrong results."""


class TrainingError(PipelineError):
    """A training cannot start or go on, such as when its inputs are missing or have changed."""


class ReportError(PipelineError):
    """A file that the report needs is missing or damaged."""


class InputError(PipelineError):
    """The input of a command cannot be read, or does not fit the command."""


class RevisionError(PipelineError):
    """There is no such revision, or its files are not available."""


class PlanError(PipelineError):
    """DVC cannot say what would run."""


class LaunchError(PipelineError):
    """Parallel stages failed, or cannot run in parallel."""


class SchemaError(PipelineError):
    """A stored file was written by another version of this project."""


class StopError(PipelineError):
    """This process was asked to stop; it can be resumed from where it stopped."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # as a shell reports it
