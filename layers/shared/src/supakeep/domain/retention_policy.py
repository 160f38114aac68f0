"""How long backups are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RetentionPolicy(BaseModel):
    """How long backups are kept. Zero is refused, since it would keep nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    keep_within_days: int = Field(default=7, gt=0, le=36_500)

    def __str__(self) -> str:
        return (
            f"Backups within {self.keep_within_days} days of the newest good one are kept, and that "
            "one always. Each place is judged by what it holds itself."
        )
