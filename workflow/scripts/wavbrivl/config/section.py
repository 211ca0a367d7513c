"""The base class of every section of the configuration."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A typed block of keys: unknown keys are refused, values never change after loading.

    The string under each field is its documentation; the default YAML, the JSON schema
    and the table in ``config/README.md`` are generated from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
