"""The base class of all records: writes, reads and checks them."""

import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.core.files import check_schema, read_json, write_json
from pipeline.core.schemas import Schema

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


class RecordError(ValueError):
    """A value in a record is missing, unknown or of the wrong type."""


class Record(BaseModel):
    """The content of a JSON file with a schema.

    It rejects missing keys, unknown keys and values of the wrong type.
    """

    model_config = {**STRICT, "frozen": True}
    SCHEMA: ClassVar[Schema]

    def write(self, path: Path, *, sort_keys: bool = True) -> None:
        """Write the file; equal records give the same bytes."""
        content = self.model_dump(mode="json", by_alias=True)
        write_json(path, {"schema": str(self.SCHEMA), **content}, sort_keys=sort_keys)

    @classmethod
    def read(cls, path: Path, called: Path | None = None, remedy: str = "") -> Self:
        """Read a record from a file.

        Args:
            path: the file to read.
            called: the name of the file in messages (default: its path).
            remedy: how to get a file of this version (default: the remedy of the schema).

        Raises:
            SchemaError: another version of this project wrote the file.
            OSError: the file cannot be read.
            ValueError: the file is damaged; a RecordError says where.
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
