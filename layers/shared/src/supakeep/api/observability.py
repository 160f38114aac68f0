"""Logs in the shape of the user's guide, metrics and traces, for all three functions alike."""

from __future__ import annotations

import os
import warnings
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging import utils
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from supakeep.aws import traces
from supakeep.domain.drill import DrillReport
from supakeep.domain.run import Run, RunResult, RunStatus
from supakeep.domain.summary import BackupSummary

Handler = traces.Handler

NAMESPACE = "Supakeep"
_TYPES = {"WARNING": "warn", "CRITICAL": "error"}


class GuideFormatter(LambdaPowertoolsFormatter):
    """Adds the guide's `type` (info, warn, error) beside Powertools' own keys."""

    def serialize(self, log: Any) -> str:
        """Powertools' JSON line, beginning with the type."""
        level = str(log.get("level", "INFO"))
        return super().serialize({"type": _TYPES.get(level, level.lower()), **log})


def create_logger() -> Logger:
    """The function's logger, which the library's own loggers write through as well.

    Its service, like that of metrics and traces, is POWERTOOLS_SERVICE_NAME: the stack's name,
    which the alarms in template.yaml look for.
    """
    logger = Logger(logger_formatter=GuideFormatter(use_rfc3339=True))
    utils.copy_config_to_registered_loggers(source_logger=logger, include={"supakeep"})
    return logger


def create_metrics() -> Metrics:
    """Metrics in POWERTOOLS_METRICS_NAMESPACE, or in `Supakeep` where that is unset."""
    # an HTTP request counts nothing, which does not deserve a line in the log
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    return Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE))


def observed(handler: Handler, logger: Logger, metrics: Metrics) -> Handler:
    """`handler` with a trace, with its metrics, and with the request's ID in every line it logs."""
    counted = metrics.log_metrics(handler, capture_cold_start_metric=True)
    logged: Handler = logger.inject_lambda_context(
        traces.traced(counted), correlation_id_path="requestContext.requestId", clear_state=True
    )
    return logged


def report_run(logger: Logger, metrics: Metrics, run: Run, scope: str) -> None:
    """Logs a run's end and counts it. `duration` is in milliseconds, `size` in bytes."""
    result = run.result
    size = result.size_bytes if isinstance(result, BackupSummary) else None
    duration = _milliseconds(run)
    context = {
        "runId": run.id,
        "backupName": run.backup,
        "duration": duration,
        "size": size,
        "status": str(run.status),
    }
    write = logger.info if run.status is RunStatus.COMPLETE else logger.warning
    write(f"{run.kind.capitalize()} {run.status}", extra=_entry(scope, context))
    if run.status not in (RunStatus.COMPLETE, RunStatus.PARTIAL) and result is None:
        # delivered twice, and the first delivery is at work: that one will count; or withdrawn
        return
    metrics.add_metric(f"{run.kind.capitalize()}Duration", MetricUnit.Milliseconds, duration)
    if isinstance(result, BackupSummary):
        _count_backup(metrics, result)
    if isinstance(result, DrillReport):
        _count_drill(metrics, result)
    for sentence in _sentences(result):
        logger.warning(sentence, extra=_entry(scope, context))


def report_failure(
    logger: Logger, metrics: Metrics, kind: str, error: Exception, scope: str
) -> None:
    """Logs a failure of this kind of work with its fix, and counts it."""
    hint = getattr(error, "hint", None)
    context = {"hint": hint, "error": type(error).__name__}
    logger.error(str(error), exc_info=error, extra=_entry(scope, context))
    metrics.add_metric(f"{kind.capitalize()}Failures", MetricUnit.Count, 1)


def count_newest_good_backup(metrics: Metrics, age_seconds: float) -> None:
    """The metric that the alarm on overdue backups watches, in whole seconds."""
    metrics.add_metric("NewestGoodBackupAge", MetricUnit.Seconds, round(age_seconds))


def count_differing_backups(metrics: Metrics, backups: int) -> None:
    """The metric that the alarm on differing copies watches."""
    metrics.add_metric("DifferingBackups", MetricUnit.Count, backups)


def count_newest_proof(metrics: Metrics, age_seconds: float) -> None:
    """The metric that the alarm on overdue drills watches, in whole seconds."""
    metrics.add_metric("NewestProofAge", MetricUnit.Seconds, round(age_seconds))


def _count_drill(metrics: Metrics, drill: DrillReport) -> None:
    metrics.add_metric("DrillRung", MetricUnit.Count, drill.height)
    metrics.add_metric("FailedDrills", MetricUnit.Count, int(not drill.is_whole))
    if drill.rows_per_second is not None:
        metrics.add_metric(
            "DrillRowsPerSecond", MetricUnit.CountPerSecond, round(drill.rows_per_second)
        )
    if drill.restores:
        count_newest_proof(metrics, 0)


def _count_backup(metrics: Metrics, backup: BackupSummary) -> None:
    metrics.add_metric("BackupRows", MetricUnit.Count, backup.rows)
    metrics.add_metric("BackupBytes", MetricUnit.Bytes, backup.size_bytes)
    failed_copies = sum(copy.problem is not None for copy in backup.copies)
    metrics.add_metric("MissedCopies", MetricUnit.Count, failed_copies)
    metrics.add_metric("ShrunkTables", MetricUnit.Count, len(backup.shrinkage))
    metrics.add_metric("PartialBackups", MetricUnit.Count, int(not backup.is_whole))
    metrics.add_metric("GoodBackups", MetricUnit.Count, int(backup.is_good))
    if backup.is_good:
        count_newest_good_backup(metrics, 0)


def _sentences(result: RunResult | None) -> list[str]:
    """What kept a run from being complete, and its warnings, a sentence each."""
    if result is None:
        return []
    problems = [f"{p.message}. {p.hint or ''}".strip() for p in result.problems]
    return [*problems, *result.warnings]


def _entry(scope: str, context: dict[str, Any]) -> dict[str, Any]:
    return {"scope": scope, "context": {k: v for k, v in context.items() if v is not None}}


def _milliseconds(run: Run) -> int:
    if run.started_at is None or run.finished_at is None:
        return 0
    return round((run.finished_at - run.started_at).total_seconds() * 1000)
