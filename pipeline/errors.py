"""Errors that are not bugs. The user sees their message instead of a traceback."""


class PipelineError(Exception):
    """An error that the user can fix; the message says what is wrong, where, and how to fix it."""

    exit_status = 1


class ParamsError(PipelineError):
    """params.yaml or trials.yaml is not valid."""


class CorpusError(PipelineError):
    """A corpus file is missing, damaged or does not have the expected content."""


class BackboneError(PipelineError):
    """Backbone files are missing or damaged, or do not fit the model."""


class FetchError(PipelineError):
    """A pinned file is not available from any source, or its hash does not match."""


class ValidationError(PipelineError):
    """The corpora have a critical finding: training on them would give wrong results."""


class TrainingError(PipelineError):
    """Training cannot start or continue, for example because inputs are missing or have changed."""


class ReportError(PipelineError):
    """A file that the report needs is missing or damaged."""


class InputError(PipelineError):
    """The input of a command cannot be read, or does not fit the command."""


class RevisionError(PipelineError):
    """A revision does not exist, or its files are not available."""


class PlanError(PipelineError):
    """DVC cannot determine which stages would run."""


class LaunchError(PipelineError):
    """Stages failed while running in parallel, or cannot run in parallel."""


class SchemaError(PipelineError):
    """A stored file was written by another version of this project."""


class StopError(PipelineError):
    """This process was asked to stop; the next run continues where it stopped."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # as a shell reports it
