"""Logs in the shape of the user's guide, metrics and traces, for all three functions alike."""

from __future__ import annotations

import os
import warnings
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import utils
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from supakeep.domain.run import Run, RunKind, RunStatus

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


def create_tracer() -> Tracer:
    """Traces the handler itself, not the calls that its libraries make."""
    # patching every library on import would cost a third of the cold start
    return Tracer(auto_patch=False)


def create_metrics() -> Metrics:
    """Metrics in POWERTOOLS_METRICS_NAMESPACE, or in `Supakeep` where that is unset."""
    # an HTTP request counts nothing, and that is no reason for a line in the log
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    return Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE))


def report_run(logger: Logger, metrics: Metrics, run: Run, scope: str) -> None:
    """Logs a run's end and counts it. `duration` is in milliseconds, `size` in bytes."""
    result = run.result or {}
    duration = _milliseconds(run)
    context = {
        "runId": run.id,
        "backupName": run.backup,
        "duration": duration,
        "size": result.get("size_bytes"),
        "status": str(run.status),
    }
    write = logger.info if run.status is RunStatus.COMPLETE else logger.warning
    write(f"{run.kind.capitalize()} {run.status}", extra=_entry(scope, context))
    if not run.status.is_final:
        # delivered twice, and the first delivery is at work: that one will count
        return
    metrics.add_metric(f"{run.kind.capitalize()}Duration", MetricUnit.Milliseconds, duration)
    if run.kind is RunKind.BACKUP:
        _count_backup(metrics, run, result)
    for problem in _problems(result):
        logger.warning(problem, extra=_entry(scope, context))


def report_failure(
    logger: Logger, metrics: Metrics, kind: RunKind, error: Exception, scope: str
) -> None:
    """Logs a failure with the way to mend it, and counts it."""
    hint = getattr(error, "hint", None)
    context = {"hint": hint, "error": type(error).__name__}
    logger.error(str(error), exc_info=error, extra=_entry(scope, context))
    metrics.add_metric(f"{kind.capitalize()}Failures", MetricUnit.Count, 1)


def count_newest_good_backup(metrics: Metrics, age_seconds: float) -> None:
    """The metric that the alarm on overdue backups watches, in whole seconds."""
    metrics.add_metric("NewestGoodBackupAge", MetricUnit.Seconds, round(age_seconds))


def _count_backup(metrics: Metrics, run: Run, result: dict[str, Any]) -> None:
    metrics.add_metric("BackupRows", MetricUnit.Count, result.get("rows", 0))
    metrics.add_metric("BackupBytes", MetricUnit.Bytes, result.get("size_bytes", 0))
    metrics.add_metric("MirrorFailures", MetricUnit.Count, int(bool(result.get("mirror_error"))))
    good = all(table["status"] == "complete" for table in result.get("tables", ()))
    metrics.add_metric("PartialBackups", MetricUnit.Count, int(run.status is RunStatus.PARTIAL))
    metrics.add_metric("GoodBackups", MetricUnit.Count, int(good))
    if good:
        count_newest_good_backup(metrics, 0)


def _problems(result: dict[str, Any]) -> list[str]:
    """What kept a run from being complete, a sentence each."""
    tables = [table["error"] for table in result.get("tables", ()) if table.get("error")]
    stores = [store["problem"] for store in result.get("stores", ()) if store.get("problem")]
    mirror = [result["mirror_error"]] if result.get("mirror_error") else []
    told = [f"{p['message']}. {p.get('hint') or ''}".strip() for p in (*tables, *stores, *mirror)]
    return [*told, *result.get("warnings", ())]


def _entry(scope: str, context: dict[str, Any]) -> dict[str, Any]:
    return {"scope": scope, "context": {k: v for k, v in context.items() if v is not None}}


def _milliseconds(run: Run) -> int:
    if run.started_at is None or run.finished_at is None:
        return 0
    return round((run.finished_at - run.started_at).total_seconds() * 1000)
