"""What all answers have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An answer, whose schema is built when it is first given: a cold start waits for no other."""

    model_config = ConfigDict(defer_build=True)
