"""How long backups are kept: the rules, as restic's `forget` has them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from supakeep.domain.calendar_duration import CalendarDuration

_DEFAULT_DAYS = 7
_MOST = 36_500


def _is_a_duration(text: str) -> str:
    CalendarDuration.parse(text)
    return text


Number = Annotated[int, Field(default=0, ge=0, le=_MOST)]
Duration = Annotated[str, AfterValidator(_is_a_duration)]


class RetentionPolicy(BaseModel):
    """A backup is kept if one rule keeps it. Without any rule, that is a window of seven days; rules
    that would keep nothing are refused.

    `keep_within_days` and `keep_within` are the window, which ends at the newest good backup. The
    others keep the newest good backup of each of so many hours, days, weeks, months or years (UTC)
    that have one, or simply the last ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    keep_within_days: int | None = Field(default=None, gt=0, le=_MOST)
    keep_within: Duration | None = None
    keep_last: Number = 0
    keep_hourly: Number = 0
    keep_daily: Number = 0
    keep_weekly: Number = 0
    keep_monthly: Number = 0
    keep_yearly: Number = 0

    @model_validator(mode="before")
    @classmethod
    def _default(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and all(value is None for value in fields.values()):
            return {**fields, "keep_within_days": _DEFAULT_DAYS}
        return fields

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if self.keep_within_days is not None and self.keep_within is not None:
            raise ValueError("keep_within_days and keep_within are the same rule: give one of them")
        if self.window is None and not any(self.numbers.values()):
            raise ValueError("these rules would keep no backup: give one of them a number above 0")
        return self

    @model_serializer(mode="wrap")
    def _only_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value}

    @property
    def window(self) -> CalendarDuration | None:
        """How long before the newest good backup all others are kept."""
        if self.keep_within is not None:
            return CalendarDuration.parse(self.keep_within)
        return CalendarDuration(days=self.keep_within_days) if self.keep_within_days else None

    @property
    def window_of_others(self) -> CalendarDuration:
        """The same for undo copies and backups that are not good, which no number counts."""
        return self.window or CalendarDuration(days=_DEFAULT_DAYS)

    @property
    def numbers(self) -> dict[str, int]:
        """How many backups each rule keeps, by its name; zero where it is not used."""
        return {
            "keep_last": self.keep_last,
            "keep_hourly": self.keep_hourly,
            "keep_daily": self.keep_daily,
            "keep_weekly": self.keep_weekly,
            "keep_monthly": self.keep_monthly,
            "keep_yearly": self.keep_yearly,
        }

    @property
    def rules(self) -> str:
        """The rules in few words: `within 7 days, keep_daily = 14`."""
        window = [f"within {self.window}"] if self.window else []
        return ", ".join([*window, *self._counting])

    @property
    def _counting(self) -> list[str]:
        """The rules that count, as they are written."""
        return [f"{rule} = {number}" for rule, number in self.numbers.items() if number]

    def __str__(self) -> str:
        kept = (
            [f"Backups within {self.window} of the newest good one are kept"] if self.window else []
        )
        if self._counting:
            lead = ", and so are good ones by" if kept else "Good backups are kept by"
            kept.append(f"{lead} {', '.join(self._counting)}")
        always = "that one" if self.window else "the newest good one"
        others = ""
        if self.window is None:
            others = f" Undo copies and incomplete backups are kept for {self.window_of_others}."
        return (
            f"{''.join(kept)}, and {always} always.{others} "
            "Each place is judged by what it holds itself."
        )
