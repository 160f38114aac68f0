"""Routes of the restore function on the backups that are stored: list, show, download, verify."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from supakeep.api.accept import accept
from supakeep.api.answers.backups import (
    BackupDetail,
    BackupList,
    Download,
    DownloadLink,
    ListedBackup,
    StoredCopy,
)
from supakeep.api.answers.runs import Accepted
from supakeep.api.contracts import CopyBody, VerifyBody
from supakeep.api.request import Request, Requests
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.pin import holding
from supakeep.domain.retention import judge_copies
from supakeep.domain.run import RunKind
from supakeep.domain.summary import BackupSummary
from supakeep.ports import ObjectStore
from supakeep.usecases.copy_backups import require_copies
from supakeep.usecases.find_backups import damaged_copies, find_backup, stores_holding
from supakeep.usecases.list_backups import list_backups, page_of
from supakeep.usecases.newest_good import judge_backup, newest_good
from supakeep.usecases.read_pins import pins_of
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.stored_manifests import manifests_of
from supakeep.usecases.survey_project import trusted

LINK_SECONDS = 300
BACKUPS_PATH = "/api/admin/backups"


def add_stored_backup_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""
    _add_questions(resolver, request)

    @resolver.post(f"{BACKUPS_PATH}/<name>/verify")
    def start_verification(
        name: str, body: Annotated[VerifyBody | None, Body()] = None
    ) -> tuple[Accepted, int]:
        read_from = None if body is None else body.read_from
        # `latest` may be another one when the work begins
        backup = found_backup(request(), name, read_from).manifest.backup
        work = {"name": backup, "read_from": read_from}
        return accept(request(), RunKind.VERIFY, work, backup=backup), HTTPStatus.ACCEPTED

    @resolver.post(f"{BACKUPS_PATH}/<name>/copy")
    def start_copy(
        name: str, body: Annotated[CopyBody | None, Body()] = None
    ) -> tuple[Accepted, int]:
        to = None if body is None else body.to
        require_copies(request().stores())
        request().stores(to)  # refuses a name that is unknown
        backup = found_backup(request(), name).manifest.backup
        return accept(
            request(), RunKind.COPY, {"name": backup, "to": to}, backup=backup
        ), HTTPStatus.ACCEPTED


def _add_questions(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    @resolver.get(BACKUPS_PATH)
    def get_backups(
        # Lambda's answers hold 6 MB, and a backup of 100 tables takes some 10 kB of one
        limit: Annotated[int, Query(ge=1, le=500, description="So many at most.")] = 100,
        before: Annotated[
            str | None, Query(max_length=200, description="Continues below this backup.")
        ] = None,
        *,
        details: Annotated[
            bool,
            Query(
                description="`false` leaves out what grows with the number of tables: `tables`, "
                "`objects`, `uncovered_tables` and `warnings`."
            ),
        ] = True,
    ) -> BackupList:
        project = request().project
        stores = request().stores()
        listing = list_backups(stores, project.ref)
        page, following = page_of(listing, limit=limit, before=before)
        everything = trusted(listing.backups)
        policy, now = project.policy, project.clock.now()
        proofs = read_proofs(stores, [b.manifest for b in everything], project.ref, now)
        verdicts = judge_copies(policy.retention, everything, now, policy.own_retention, proofs)
        shown = [
            ListedBackup.judged(b, verdicts[b.manifest.backup], proofs, now) for b in trusted(page)
        ]
        return BackupList(
            backups=shown if details else [backup.without_details() for backup in shown],
            next=following,
            untrusted=listing.untrusted,
            problems=listing.problems,
        )

    @resolver.get(f"{BACKUPS_PATH}/<name>")
    def get_backup(name: str) -> BackupDetail:
        return _detail(request(), found_backup(request(), name))

    @resolver.get(f"{BACKUPS_PATH}/<name>/download")
    def get_download(name: str) -> Download:
        links = download(request(), name)
        audit_log, actor = request().audit_log, request().caller.actor
        audit_log.record(actor, "download", "links given", target=links.name)
        return links


def _detail(request: Request, found: BackupReader) -> BackupDetail:
    project, manifest = request.project, found.manifest
    now, stores = project.clock.now(), request.stores()
    holders = stores_holding(stores, manifest.name)
    holding_stores = [store for store in stores if store.name in holders]
    pins = pins_of(holding_stores, manifest.name)
    damaged = damaged_copies(stores, manifest)
    proofs = read_proofs(stores, [manifest], project.ref, now)
    before = None
    if manifest.trigger is not Trigger.PRE_RESTORE:
        before = newest_good(found.stores[0], manifest.project, now=now, before=manifest.started_at)
    return BackupDetail.compared_to(
        before,
        manifest,
        BackupSummary.of(
            manifest,
            holders,
            notices=_notices(found, damaged),
            pins=holding(pins, now),
            proof=proofs.proof_of(manifest),
        ),
        judge_backup(project.policy, manifest, holding_stores, now, pins, proofs),
        project.policy,
        _stored(request, manifest, damaged),
    )


def _stored(
    request: Request, manifest: Manifest, damaged: Mapping[str, str]
) -> tuple[StoredCopy, ...]:
    """What each store holds of a backup; `damaged` says what objects lack, by the store's name."""
    checks = request.project.keyring is not None
    return tuple(
        StoredCopy.of_manifest(store, held, damaged.get(store), checks_signatures=checks)
        if isinstance(held, Manifest)
        else StoredCopy.of_failure(store, held)
        for store, held in manifests_of(request.stores(), manifest.name).items()
    )


def _notices(found: BackupReader, damaged: Mapping[str, str]) -> list[str]:
    """Which newer backups were passed over, and what is wrong with a copy; each said once."""
    return list(dict.fromkeys((*found.passed_over, *found.notices, *damaged.values())))


def download(request: Request, name: str) -> Download:
    """A short-lived address for each object of the backup, from the first store that holds all."""
    found = found_backup(request, name)
    store, manifest = _first_whole(found), found.manifest
    sign = store.signed_url
    volumes = [
        DownloadLink(
            key=volume.key,
            bytes=volume.bytes,
            sha256=volume.sha256,
            url=sign(volume.key, LINK_SECONDS),
        )
        for volume in manifest.objects
    ]
    key = manifest.name.manifest_key
    itself = DownloadLink(key=key, bytes=None, sha256=None, url=sign(key, LINK_SECONDS))
    return Download(
        name=manifest.backup,
        read_from=store.name,
        expires_in_seconds=LINK_SECONDS,
        objects=[*volumes, itself],
    )


def _first_whole(found: BackupReader) -> ObjectStore:
    """The first store that lists every object in its full size, or the first one if none does."""
    damaged = damaged_copies(found.stores, found.manifest)
    first = found.stores[0]
    if first.name not in damaged:
        return first
    whole = set(stores_holding(found.stores, found.manifest.name)) - damaged.keys()
    return next((store for store in found.stores if store.name in whole), first)


def found_backup(request: Request, name: str, read_from: str | None = None) -> BackupReader:
    """The backup of this name, or the newest good one for `latest`."""
    project = request.project
    return find_backup(request.stores(read_from), name, project.ref, now=project.clock.now())
