"""Routes of the restore function on the project as a whole: the overview, settings, retention."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.answers.overview import Overview, schedules_of
from supakeep.api.answers.retention import RetentionSimulation
from supakeep.api.answers.settings import (
    EngineAnswer,
    PolicyAnswer,
    ProjectAnswer,
    RetentionAnswer,
    SettingsAnswer,
    Versions,
)
from supakeep.api.request import Request, Requests
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.safety import Situation
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.survey_project import RECENT_RUNS, survey_project, trusted
from supakeep.usecases.track_runs import TrackRuns

Number = Annotated[int | None, Query(ge=1, le=36_500, description="Instead of the deployed rules.")]


def add_overview_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.get("/api/admin/overview")
    def get_overview() -> Overview:
        project = request().project
        return Overview.of(project.ref, survey(request()), project.engine, project.settings.region)

    @resolver.get("/api/admin/settings")
    def get_settings() -> SettingsAnswer:
        return _settings(request())

    @resolver.get("/api/admin/retention")
    def get_retention(  # noqa: PLR0913, PLR0917 - a parameter for each rule
        keep_within_days: Number = None,
        keep_last: Number = None,
        keep_hourly: Number = None,
        keep_daily: Number = None,
        keep_weekly: Number = None,
        keep_monthly: Number = None,
        keep_yearly: Number = None,
    ) -> RetentionSimulation:
        project = request().project
        deployed = project.policy
        rules = _rules(
            deployed.retention,
            keep_within_days=keep_within_days,
            keep_last=keep_last,
            keep_hourly=keep_hourly,
            keep_daily=keep_daily,
            keep_weekly=keep_weekly,
            keep_monthly=keep_monthly,
            keep_yearly=keep_yearly,
        )
        stores, now = request().stores(), project.clock.now()
        backups = trusted(list_backups(stores, project.ref).backups)
        proofs = read_proofs(stores, [b.manifest for b in backups], project.ref, now)
        return RetentionSimulation.of(rules, deployed, backups, now, proofs)


def _rules(deployed: RetentionPolicy, **asked: int | None) -> RetentionPolicy:
    """The rules that are asked about, or else the deployed ones."""
    given = {name: number for name, number in asked.items() if number is not None}
    return RetentionPolicy.model_validate(given) if given else deployed


def survey(request: Request) -> Situation:
    """The project as its stores, runs and keys show it now."""
    project, settings = request.project, request.project.settings
    return survey_project(
        project,
        request.stores(),
        settings.schedules,
        settings.max_backup_age_hours,
        project.api_keys.list_all(),
    )


def _settings(request: Request) -> SettingsAnswer:
    project, settings = request.project, request.project.settings
    return SettingsAnswer(
        project=ProjectAnswer.of(settings, project.policy),
        engine=EngineAnswer.of(project.engine),
        policy=PolicyAnswer.of(project.policy),
        retention=RetentionAnswer.of(project.policy.retention),
        schedules=schedules_of(
            settings.schedules, TrackRuns.of(project).list(RECENT_RUNS), project.clock.now()
        ),
        max_backup_age_hours=settings.max_backup_age_hours,
        alarms=project.policy.alarms,
        notices=project.notifier.audience,
        max_object_bytes=project.max_object_bytes,
        versions=Versions.present(),
    )
