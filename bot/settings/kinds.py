"""What all sections have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def split_list(value: Any) -> Any:
    """Lists may be given in the environment as `U1,U2`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
