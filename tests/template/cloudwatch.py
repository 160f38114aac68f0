"""A model of how CloudWatch decides on an alarm's state.

The rules are those of its user guide: the window slides by default and is looked at every minute
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html), and of
what is missing (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
CloudWatch looks back further than the alarm's own periods, and does not publish how far: in the guide's
examples two periods further. `extra_periods` is that number.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MINUTE = 60
HOUR = 3600

Sample = tuple[float, float]
"""When it was written, in seconds, and its value."""

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
}


@dataclass(frozen=True)
class Alarm:
    """An alarm on one metric, or on one divided by a number."""

    namespace: str
    metric: str
    dimensions: Sequence[dict[str, str]]
    period: int
    statistic: str
    divisor: float
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    missing_is_breaching: bool

    @classmethod
    def of(cls, properties: dict[str, Any]) -> Alarm:
        """The alarm that a template describes; ValueError for one that the model does not cover."""
        metric, divisor = _metric(properties)
        if properties["TreatMissingData"] not in ("breaching", "notBreaching"):
            raise ValueError(properties["TreatMissingData"])
        periods = int(properties["EvaluationPeriods"])
        return cls(
            namespace=metric["Namespace"],
            metric=metric["MetricName"],
            dimensions=metric["Dimensions"],
            period=metric["Period"],
            statistic=metric["Statistic"],
            divisor=divisor,
            evaluation_periods=periods,
            datapoints_to_alarm=int(properties.get("DatapointsToAlarm", periods)),
            threshold=float(properties["Threshold"]),
            comparison=properties["ComparisonOperator"],
            missing_is_breaching=properties["TreatMissingData"] == "breaching",
        )

    def rings(self, samples: Sequence[Sample], now: float, *, extra_periods: int = 2) -> bool:
        """Whether it is in the state ALARM at this moment, by what was written until then."""
        wanted = self.evaluation_periods + extra_periods
        return self.rings_for([self._datapoint(samples, now, i) for i in range(wanted)])

    def rings_for(self, newest_first: Sequence[bool | None]) -> bool:
        """The same, by whether each period is breaching; None for a period without data. Extra periods
        count where the alarm's own lack data, and what is missing then is filled in.
        """
        real = [breaching for breaching in newest_first if breaching is not None]
        used = real[: self.evaluation_periods]
        used += [self.missing_is_breaching] * (self.evaluation_periods - len(used))
        return sum(used) >= self.datapoints_to_alarm

    def _datapoint(self, samples: Sequence[Sample], now: float, number: int) -> bool | None:
        end = now - number * self.period
        values = [value for at, value in samples if end - self.period < at <= end]
        if not values:
            return None
        value = _STATISTICS[self.statistic](values) / self.divisor
        return _COMPARISONS[self.comparison](value, self.threshold)


def _metric(properties: dict[str, Any]) -> tuple[dict[str, Any], float]:
    if "Metrics" not in properties:
        return properties, 1.0
    [expression] = [query for query in properties["Metrics"] if "Expression" in query]
    [source] = [query for query in properties["Metrics"] if "MetricStat" in query]
    division = re.fullmatch(rf"{source['Id']} / (\d+)", expression["Expression"])
    if division is None or expression.get("ReturnData") is False or source["ReturnData"]:
        raise ValueError(expression["Expression"])
    stat = source["MetricStat"]
    return {**stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]}, float(
        division[1]
    )
