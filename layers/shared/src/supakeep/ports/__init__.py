"""What the use cases need from the world. Each port's contract stands in its docstring, and
`tests/contract` runs one suite over every adapter of it.
"""

from supakeep.ports.api_keys import ApiKeyStore
from supakeep.ports.databases import (
    AtomicTransaction,
    BatchwiseTransaction,
    Database,
    ForeignKeyViolation,
    Rows,
    Snapshot,
    SourceDatabase,
    TableWriter,
    TargetDatabase,
    TargetTransaction,
)
from supakeep.ports.files import FileFolder, ProjectFiles
from supakeep.ports.forwarding_store import ForwardingObjectStore
from supakeep.ports.notices import Notifier, Silence
from supakeep.ports.runs import (
    Dispatcher,
    Lease,
    RunStore,
)
from supakeep.ports.scratch import ScratchDatabase, ScratchServer
from supakeep.ports.stores import (
    ObjectStore,
    StoredObject,
)
from supakeep.ports.surroundings import (
    Clock,
    Deadline,
    Progress,
    TimeLimit,
    Transfers,
)

__all__ = [
    "ApiKeyStore",
    "AtomicTransaction",
    "BatchwiseTransaction",
    "Clock",
    "Database",
    "Deadline",
    "Dispatcher",
    "FileFolder",
    "ForeignKeyViolation",
    "ForwardingObjectStore",
    "Lease",
    "Notifier",
    "ObjectStore",
    "Progress",
    "ProjectFiles",
    "Rows",
    "RunStore",
    "ScratchDatabase",
    "ScratchServer",
    "Silence",
    "Snapshot",
    "SourceDatabase",
    "StoredObject",
    "TableWriter",
    "TargetDatabase",
    "TargetTransaction",
    "TimeLimit",
    "Transfers",
]
