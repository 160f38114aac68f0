"""Routes of the restore function: all that reads backups and runs, and the restore itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.accept import RUNS_PATH, accept
from supakeep.api.answers.backups import (
    BackupDetail,
    BackupList,
    Download,
    DownloadLink,
    ListedBackup,
)
from supakeep.api.answers.runs import Accepted, RunAnswer, RunList
from supakeep.api.contracts import RestoreBody
from supakeep.api.request import Request, Requests
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore_plan import check_choice, check_confirmation, check_mode
from supakeep.domain.retention import judge_copies
from supakeep.domain.run import Run, RunKind
from supakeep.domain.summary import BackupSummary
from supakeep.usecases.find_backups import find_backup, list_backups, page_of, stores_holding
from supakeep.usecases.newest_good import judge_backup, newest_good
from supakeep.usecases.survey_project import trusted
from supakeep.usecases.track_runs import TrackRuns

LINK_SECONDS = 300
BACKUPS_PATH = "/api/admin/backups"


def add_restore_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""
    _add_backup_questions(resolver, request)
    _add_restore(resolver, request)
    _add_run_questions(resolver, request)


def _add_backup_questions(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    @resolver.get(BACKUPS_PATH)
    def get_backups(
        # Lambda's answers hold 6 MB, and a backup of 100 tables takes some 10 kB of one
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        before: Annotated[str | None, Query(max_length=200)] = None,
    ) -> BackupList:
        project = request().project
        listing = list_backups(request().stores(), project.ref)
        page, following = page_of(listing, limit=limit, before=before)
        everything = trusted(listing.backups)
        verdicts = judge_copies(project.policy.retention, everything, project.clock.now())
        return BackupList(
            backups=[ListedBackup.judged(b, verdicts[b.manifest.backup]) for b in trusted(page)],
            next=following,
            damaged={found.name.text: found.problem for found in listing.backups if found.problem},
            problems=listing.problems,
        )

    @resolver.get(f"{BACKUPS_PATH}/<name>")
    def get_backup(name: str) -> BackupDetail:
        return _detail(request(), _find(request(), name))

    @resolver.get(f"{BACKUPS_PATH}/<name>/download")
    def get_download(name: str) -> Download:
        return download(request(), name)


def _add_restore(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    @resolver.post("/api/admin/restore")
    def start_restore(body: RestoreBody) -> tuple[Accepted, int]:
        # what is wrong with the request is reported now, not in the run's record later
        project, asked = request().project, body.request()
        check_mode(asked, project.database.engine)
        found = _find(request(), body.name, body.read_from)
        manifest = found.manifest
        check_choice(manifest, asked)
        check_confirmation(asked, manifest, project.ref, project.destination)
        # `latest` may be another one when the work begins
        update = {"name": manifest.backup, "passed_over": found.passed_over}
        work = asked.model_copy(update=update).model_dump(mode="json")
        return accept(request(), RunKind.RESTORE, work, backup=manifest.backup), HTTPStatus.ACCEPTED


def _add_run_questions(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    @resolver.get(RUNS_PATH)
    def get_runs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        before: Annotated[str | None, Query(max_length=200)] = None,
    ) -> RunList:
        # one more, to know whether there is another page
        runs = TrackRuns.of(request().project).list(limit + 1, before)
        following = runs[limit - 1].id if len(runs) > limit else None
        return RunList(runs=[_answer(request(), run) for run in runs[:limit]], next=following)

    @resolver.get(f"{RUNS_PATH}/<run_id>")
    def get_run(run_id: str) -> RunAnswer:
        return _answer(request(), TrackRuns.of(request().project).get(run_id))


def _detail(request: Request, found: BackupReader) -> BackupDetail:
    project, manifest = request.project, found.manifest
    now, stores = project.clock.now(), request.stores()
    holders = stores_holding(stores, manifest.name)
    holding = [store for store in stores if store.name in holders]
    before = None
    if manifest.trigger is not Trigger.PRE_RESTORE:
        before = newest_good(found.stores[0], manifest.project, now=now, before=manifest.name)
    return BackupDetail.compared_to(
        before,
        manifest,
        BackupSummary.of(manifest, holders, notices=found.passed_over),
        judge_backup(project.policy.retention, manifest, holding, now),
    )


def _answer(request: Request, run: Run) -> RunAnswer:
    return RunAnswer.of(run, request.project.engine, request.project.settings.region)


def download(request: Request, name: str) -> Download:
    """A short-lived address for each object of the backup, from the first store that holds it."""
    found = _find(request, name)
    store, manifest = found.stores[0], found.manifest
    sign = store.signed_url
    volumes = [
        DownloadLink(
            key=volume.key,
            bytes=volume.bytes,
            sha256=volume.sha256,
            url=sign(volume.key, LINK_SECONDS),
        )
        for volume in manifest.volumes
    ]
    key = manifest.name.manifest_key
    itself = DownloadLink(key=key, bytes=None, sha256=None, url=sign(key, LINK_SECONDS))
    return Download(
        name=manifest.backup,
        read_from=store.name,
        expires_in_seconds=LINK_SECONDS,
        objects=[*volumes, itself],
    )


def _find(request: Request, name: str, read_from: str | None = None) -> BackupReader:
    project = request.project
    return find_backup(request.stores(read_from), name, project.ref, now=project.clock.now())
