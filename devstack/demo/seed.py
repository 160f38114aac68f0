"""Fills Jewelshot with rows that look real, the same ones each time, dated relative to now."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

USERS = 400
TRANSACTIONS = 12_400
PROJECTS = 72
DAYS = 60

COSTS = {
    "background_removal": ("0.5000", "Cuts the piece out of its picture"),
    "background_studio": ("1.2500", "Puts the piece on a studio background"),
    "enhance_metal": ("0.7500", "Evens out reflections on gold, silver and platinum"),
    "enhance_gemstone": ("0.8750", "Brings out fire and colour of the stones"),
    "retouch_dust": ("0.2500", "Removes dust and fingerprints"),
    "upscale_2x": ("0.3333", "Doubles the resolution"),
    "upscale_4x": ("0.9999", "Quadruples the resolution"),
    "model_try_on": ("4.0000", "Shows the piece worn"),
    "video_spin": ("6.5000", "A turntable video of eight seconds"),
    "shadow_soft": ("0.1250", "A soft natural shadow"),
    "batch_export": ("0.0500", "Exports one picture in every shop's format"),
    "preview": ("0.0001", "A small preview with a watermark"),
}
FIRST = [
    "Ada",
    "Elif",
    "Noah",
    "Mira",
    "Kenji",
    "Zoë",
    "Omar",
    "Lucía",
    "Ingrid",
    "Tomás",
    "Aylin",
    "Søren",
    "Priya",
    "Maël",
    "Yara",
    "Deniz",
]
LAST = [
    "Okafor",
    "Yılmaz",  # noqa: RUF001 - a name
    "Lindqvist",
    "Moreau",
    "Tanaka",
    "Kaya",
    "Rossi",
    "Nowak",
    "Silva",
    "Haddad",
    "Berg",
    "O'Neill",
    "Çelik",
    "Sato",
]
PIECES = ["ring", "pendant", "earrings", "bracelet", "brooch", "necklace", "cufflinks"]
METALS = ["yellow gold", "white gold", "rose gold", "silver", "platinum"]
SEASONS = ["Spring", "Summer", "Autumn", "Winter", "Bridal", "Heritage", "Atölye"]

Row = tuple[Any, ...]
ZERO = Decimal("0.0000")


@dataclass
class Jewelshot:
    """All rows, per table in the order of the columns below."""

    users: list[Row] = field(default_factory=list)
    user_credits: list[Row] = field(default_factory=list)
    operation_costs: list[Row] = field(default_factory=list)
    batch_projects: list[Row] = field(default_factory=list)
    batch_images: list[Row] = field(default_factory=list)
    credit_transactions: list[Row] = field(default_factory=list)


# Parents first.
COLUMNS = {
    "auth.users": "id, email, raw_user_meta_data, created_at",
    "public.user_credits": "user_id, balance, lifetime_purchased, lifetime_used, plan, metadata,"
    " created_at, updated_at",
    "public.operation_costs": "id, operation, cost, description, active, updated_at",
    "public.batch_projects": "id, user_id, name, status, total_images, settings, created_at,"
    " completed_at",
    "public.batch_images": "id, project_id, position, file_name, result_path, status,"
    " perceptual_hash, size_bytes, quality, metadata, error, created_at, processed_at",
    "public.credit_transactions": "id, user_id, project_id, operation, kind, amount,"
    " balance_after, description, metadata, created_at",
}


def seed(database_url: str, now: datetime | None = None) -> dict[str, int]:
    """Inserts everything in one transaction and returns the rows per table.

    The database must have the migrations and none of these rows.
    """
    rows = jewelshot(now or datetime.now(UTC))
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            with cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
                for row in getattr(rows, table.partition(".")[2]):
                    copy.write_row(row)
        for table in ("operation_costs", "credit_transactions"):
            cursor.execute(
                sql.SQL("select setval(pg_get_serial_sequence(%s, 'id'), max(id)) from {}").format(
                    sql.Identifier("public", table)
                ),
                (f"public.{table}",),
            )
    return {table: len(getattr(rows, table.partition(".")[2])) for table in COLUMNS}


@lru_cache(maxsize=1)
def jewelshot(now: datetime) -> Jewelshot:
    """Makes all rows; the same for the same `now`. A stack that is seeded again and again asks for the same ones."""
    dice = random.Random(20250101)  # noqa: S311 - the same rows each time
    made = Jewelshot()
    owners = add_users(made, dice, now)
    for number, (operation, (cost, description)) in enumerate(COSTS.items(), start=1):
        changed = now - timedelta(days=90 - number)
        made.operation_costs.append((number, operation, Decimal(cost), description, True, changed))
    for _ in range(PROJECTS):
        add_project(made, dice, now, dice.choice(owners))
    add_transactions(made, dice, now, owners)
    return made


def identifier(dice: random.Random) -> uuid.UUID:
    """A version 4 UUID from the dice."""
    return uuid.UUID(int=dice.getrandbits(128), version=4)


def add_users(made: Jewelshot, dice: random.Random, now: datetime) -> list[uuid.UUID]:
    """Accounts, without credits yet: those follow from the transactions."""
    for number in range(USERS):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        joined = now - timedelta(days=dice.uniform(DAYS + 30, 700))
        profile = json.dumps({"full_name": f"{first} {last}"}, ensure_ascii=False)
        email = f"jeweller{number:03}@example.com"
        made.users.append((identifier(dice), email, profile, joined))
    return [row[0] for row in made.users]


def add_project(made: Jewelshot, dice: random.Random, now: datetime, owner: uuid.UUID) -> None:
    """A batch of pictures, started within the last 60 days."""
    project, images = identifier(dice), dice.randint(8, 40)
    started = now - timedelta(days=dice.uniform(0.1, DAYS))
    name = f"{dice.choice(SEASONS)} {started:%Y} · {dice.choice(PIECES)}"
    settings = {"background": dice.choice(["#ffffff", "#f6f1e7", "marble"]), "dpi": 300}
    done = started + timedelta(minutes=images)
    made.batch_projects.append(
        (project, owner, name, "completed", images, json.dumps(settings), started, done)
    )
    for position in range(1, images + 1):
        made.batch_images.append(image(dice, project, position, started))


def image(dice: random.Random, project: uuid.UUID, position: int, started: datetime) -> Row:
    """One picture; one in thirty failed."""
    failed = dice.random() < 1 / 30
    uploaded = started + timedelta(seconds=position * 2 + dice.random())
    key = identifier(dice)
    metadata = {
        "piece": dice.choice(PIECES),
        "metal": dice.choice(METALS),
        "carat": round(dice.uniform(0.1, 4), 2),
        "tags": dice.sample(["macro", "hallmark", "pavé", "vintage"], 2),
    }
    return (
        key,
        project,
        position,
        f"IMG_{dice.randint(1000, 9999)}.jpg",
        None if failed else f"results/{project}/{key}.webp",
        "failed" if failed else "completed",
        dice.getrandbits(64) - 2**63,
        dice.randint(400_000, 24_000_000),
        None if failed else dice.random(),
        json.dumps(metadata, ensure_ascii=False),
        "the picture is too dark" if failed else None,
        uploaded,
        uploaded + timedelta(seconds=dice.uniform(3, 90)),
    )


def add_transactions(
    made: Jewelshot, dice: random.Random, now: datetime, owners: list[uuid.UUID]
) -> None:
    """Purchases and uses in order of time, and the balances that follow from them."""
    balance, bought = dict.fromkeys(owners, ZERO), dict.fromkeys(owners, ZERO)
    projects = {owner: project for project, owner, *_ in made.batch_projects}
    span = timedelta(days=DAYS)
    for number in range(1, TRANSACTIONS + 1):
        at = now - span + (number / (TRANSACTIONS + 1)) * span
        owner = owners[number - 1] if number <= USERS else dice.choice(owners)
        operation, (cost, description) = dice.choice(list(COSTS.items()))
        if balance[owner] < Decimal(cost):
            kind, amount, operation_name = "purchase", dice.choice(["25.0000", "100.0000"]), None
            description = f"{Decimal(amount).normalize():f} credits"
            bought[owner] += Decimal(amount)
        else:
            kind, amount, operation_name = "usage", f"-{cost}", operation
        balance[owner] += Decimal(amount)
        project = projects.get(owner) if kind == "usage" else None
        made.credit_transactions.append(
            (number, owner, project, operation_name, kind, Decimal(amount), balance[owner],
             description, json.dumps({"request": f"req_{dice.getrandbits(48):012x}"}), at)
        )  # fmt: skip
    for owner, _, _, joined in made.users:
        plan = "studio" if bought[owner] > 100 else "starter"
        made.user_credits.append(
            (owner, balance[owner], bought[owner], bought[owner] - balance[owner], plan,
             json.dumps({"newsletter": dice.random() < 0.4}), joined, now)
        )  # fmt: skip
