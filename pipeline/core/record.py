"""What all records have in common: how they are written, read and checked."""

import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.core.files import check_schema, read_json, write_json
from pipeline.core.schemas import Schema

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


class RecordError(ValueError):
    """A value in a record is missing, unknown or of another type."""


class Record(BaseModel):
    """The content of a JSON file with a schema.

    It refuses missing keys, unknown keys and values of another type.
    """

    model_config = {**STRICT, "frozen": True}
    SCHEMA: ClassVar[Schema]

    def write(self, path: Path, *, sort_keys: bool = True) -> None:
        """Write the file; equal records have equal bytes."""
        content = self.model_dump(mode="json", by_alias=True)
        write_json(path, {"schema": str(self.SCHEMA), **content}, sort_keys=sort_keys)

    @classmethod
    def read(cls, path: Path, called: Path | None = None, remedy: str = "") -> Self:
        """Read the file.

        Args:
            path: where it is.
            called: its name in messages (default: its path).
            remedy: how to get a file of this version (default: the remedy of the schema).

        Raises:
            SchemaError: another version of this project wrote it.
            OSError: it cannot be read.
            ValueError: it is damaged; a RecordError says where.
        """
        content = read_json(path)
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        check_schema(called or path, content.pop("schema", None), cls.SCHEMA, remedy)
        try:
            return cls.model_validate_json(json.dumps(content), strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise RecordError(f"{place}: {first['msg']}") from None
