"""Routes of the restore function on runs."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.accept import RUNS_PATH
from supakeep.api.answers.runs import RunAnswer, RunList
from supakeep.api.request import Request, Requests
from supakeep.domain.api_key import Scope
from supakeep.domain.run import Run
from supakeep.usecases.track_runs import TrackRuns


def add_run_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.get(RUNS_PATH)
    def get_runs(
        limit: Annotated[int, Query(ge=1, le=100, description="So many at most.")] = 20,
        before: Annotated[
            str | None, Query(max_length=200, description="Continues below this run.")
        ] = None,
    ) -> RunList:
        # one more, to know whether there is another page
        runs = TrackRuns.of(request().project).list(limit + 1, before)
        following = runs[limit - 1].id if len(runs) > limit else None
        return RunList(runs=[_answer(request(), run) for run in runs[:limit]], next=following)

    @resolver.get(f"{RUNS_PATH}/<run_id>")
    def get_run(run_id: str) -> RunAnswer:
        return _answer(request(), TrackRuns.of(request().project).get(run_id))


def _answer(request: Request, run: Run) -> RunAnswer:
    caller = request.caller
    if not (caller.may(Scope.RESTORE) or caller.may(Scope.DOWNLOAD)):
        run = run.without_rows()
    return RunAnswer.of(run, request.project.engine, request.project.settings.region)
