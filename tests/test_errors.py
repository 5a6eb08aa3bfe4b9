"""errors: whatever a user can mend is a PipelineError, which is what a stage catches."""

import inspect

from pipeline import errors


def test_every_error_is_a_pipeline_error_that_says_what_it_is_for() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    assert len(classes) > 5
    for cls in classes:
        assert issubclass(cls, errors.PipelineError)
        assert cls.__doc__
