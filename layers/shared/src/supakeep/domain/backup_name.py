"""How backups and their objects are named."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from supakeep.domain.project_ref import PROJECT_REF
from supakeep.errors import InvalidRequestError

FOLDER = "daily"
DOCUMENT_SUFFIX = ".sql.json"
DEFINITIONS_SUFFIX = ".schema.sql"
FILE_TREE_SUFFIX = ".files.ndjson"
FILE_KEYS_SUFFIX = ".files.txt"
MANIFEST_SUFFIX = ".manifest.json"
PIN_SUFFIX = ".pin.json"
LATEST = "latest"

# ASCII: `\d` would take the digits of every script otherwise
_NAME = re.compile(
    rf"backup_(?P<ref>{PROJECT_REF})_(?P<date>\d{{4}}-\d{{2}}-\d{{2}})(?:T(?P<time>\d{{6}})Z)?",
    re.ASCII,
)
# how a document's objects are stored: compressed, then encrypted
_ENCODING = r"(?:\.gz|\.zst)?(?:\.age)?"
_OBJECT_NAME = re.compile(
    rf"{FOLDER}/(?P<backup>{_NAME.pattern})(?:{re.escape(MANIFEST_SUFFIX)}|"
    rf"(?P<pin>(?:\.\d{{3,}})?{re.escape(PIN_SUFFIX)})|"
    rf"(?P<files>{re.escape(FILE_TREE_SUFFIX)}{_ENCODING}|{re.escape(FILE_KEYS_SUFFIX)})(?:\.\d{{3,}})?|"
    rf"(?P<definitions>{re.escape(DEFINITIONS_SUFFIX)}{_ENCODING})|"
    rf"{re.escape(DOCUMENT_SUFFIX)}(?P<encoding>{_ENCODING})(?:\.\d{{3,}})?)",
    re.ASCII,
)
_FILE_SUFFIX = re.compile(
    rf"{re.escape(MANIFEST_SUFFIX)}|"
    rf"(?:{re.escape(DOCUMENT_SUFFIX)}|{re.escape(DEFINITIONS_SUFFIX)}){_ENCODING}"
)


@dataclass(frozen=True, order=True)
class BackupName:
    """`backup_<ref>_<date>` for the first scheduled run of a UTC day, `…T<HHMMSS>Z` for any other.

    Names of one project sort by time, since text sorts the day before its times.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> BackupName:
        """Accepts the bare name, or that of its document, definitions or manifest.

        Raises InvalidRequestError for anything else, paths included.
        """
        suffix = _FILE_SUFFIX.search(text)
        bare = text[: suffix.start()] if suffix and suffix.end() == len(text) else text
        match = _NAME.fullmatch(bare)
        if match is None or not _is_real_moment(match["date"], match["time"]):
            raise InvalidRequestError(
                f"{text[:100]!r} is not the name of a backup",
                operation="read name",
                hint="Names look like backup_<project ref>_2026-11-22 or "
                "backup_<project ref>_2026-11-22T141502Z; 'latest' is the newest good one. "
                "`supakeep list` shows them.",
            )
        return cls(bare)

    @classmethod
    def daily(cls, project_ref: str, at: dt.datetime) -> BackupName:
        """The name of the day's first scheduled backup."""
        return cls.parse(f"backup_{project_ref}_{at:%Y-%m-%d}")

    @classmethod
    def timed(cls, project_ref: str, at: dt.datetime) -> BackupName:
        """The name of any other backup; `at` is aware, to the second."""
        return cls.parse(f"backup_{project_ref}_{at:%Y-%m-%dT%H%M%S}Z")

    @property
    def project_ref(self) -> str:
        # parse() saw to it that there are three parts; a ref has no underscore
        _, ref, _ = self.text.split("_")
        return ref

    @property
    def moment(self) -> str:
        """The day, or the day and time: it sorts names of different projects by time."""
        return self.text.rpartition("_")[2]

    @property
    def manifest_key(self) -> str:
        return f"{FOLDER}/{self.text}{MANIFEST_SUFFIX}"

    @property
    def document_key(self) -> str:
        """The key of a document that is one object and stored as it is; others begin with it."""
        return f"{FOLDER}/{self.text}{DOCUMENT_SUFFIX}"

    def volume_key(self, number: int, encoding: str = "") -> str:
        """The key of the `number`-th volume (from 1) of a document that is cut in several; `encoding`
        is the suffix of the way in which they are stored, such as `.zst.age`.
        """
        return f"{self.document_key}{encoding}.{number:03d}"

    @property
    def definitions_key(self) -> str:
        """The key of the definitions that are stored as they are; others begin with it."""
        return f"{FOLDER}/{self.text}{DEFINITIONS_SUFFIX}"

    @property
    def file_tree_key(self) -> str:
        """The key of the names of the files that belong to the backup; encoded ones begin with it."""
        return f"{FOLDER}/{self.text}{FILE_TREE_SUFFIX}"

    @property
    def file_keys_key(self) -> str:
        """The key of the list of the objects that hold those files."""
        return f"{FOLDER}/{self.text}{FILE_KEYS_SUFFIX}"

    def pin_key(self, number: int) -> str:
        """The key of the `number`-th pin (from 1): another date is written beside the one before."""
        return f"{FOLDER}/{self.text}{f'.{number:03d}' if number > 1 else ''}{PIN_SUFFIX}"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class ObjectName:
    """Which backup an object belongs to, read from its key; `encoding` is the suffix of a volume, or
    of definitions, that are compressed or encrypted. `is_files` are the lists of Storage's files.
    """

    backup: BackupName
    is_manifest: bool
    encoding: str = ""
    is_pin: bool = False
    is_definitions: bool = False
    is_files: bool = False

    @property
    def is_volume(self) -> bool:
        """Whether it holds rows: the document, or a volume of it."""
        return not (self.is_manifest or self.is_pin or self.is_definitions or self.is_files)

    @classmethod
    def parse(cls, key: str) -> ObjectName | None:
        """None for a key that is not one of ours: those are never touched."""
        match = _OBJECT_NAME.fullmatch(key)
        if match is None or not _is_real_moment(match["date"], match["time"]):
            return None
        backup = BackupName(match["backup"])
        if match["pin"] is not None:
            return cls(backup, is_manifest=False, is_pin=True)
        if match["files"] is not None:
            return cls(backup, is_manifest=False, is_files=True)
        if (definitions := match["definitions"]) is not None:
            encoding = definitions.removeprefix(DEFINITIONS_SUFFIX)
            return cls(backup, is_manifest=False, encoding=encoding, is_definitions=True)
        encoding = match["encoding"]
        return cls(backup, is_manifest=encoding is None, encoding=encoding or "")


def is_volume(key: str) -> bool:
    """Whether it is the key of an object that holds rows of a backup."""
    parsed = ObjectName.parse(key)
    return parsed is not None and parsed.is_volume


def _is_real_moment(date: str, time: str | None) -> bool:
    try:
        # strptime would take most of the time of a long listing
        dt.date.fromisoformat(date)
        dt.time.fromisoformat(":".join(re.findall("..", time or "000000")))
    except ValueError:
        return False
    return True
