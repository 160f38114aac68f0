"""The adapters that each port's contract is held against, by the name in their tests' ids."""

from __future__ import annotations

from supakeep.archive.verified_store import VerifiedObjectStore
from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.runs.dynamodb import DynamoDbRunStore
from supakeep.runs.dynamodb_keys import DynamoDbApiKeyStore
from supakeep.runs.folder import FolderRunStore
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from supakeep.stores.folder import FolderObjectStore
from supakeep.stores.gcs import GcsObjectStore
from supakeep.stores.remembering import RememberingObjectStore
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.stores.s3 import S3ObjectStore
from supakeep.stores.supabase_storage import SupabaseObjectStore
from supakeep.stores.within_deadline import ObjectStoreWithinDeadline
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.patient_store import PatientObjectStore
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

Adapters = dict[str, type]

DATABASES: Adapters = {
    "in_memory": InMemoryDatabase,
    "supabase": SupabaseRestDatabase,
    "postgres": PostgresDatabase,
}
STORES: Adapters = {
    "in_memory": InMemoryObjectStore,
    "folder": FolderObjectStore,
    "retrying": RetryingObjectStore,
    "within_deadline": ObjectStoreWithinDeadline,
    "leased": LeasedObjectStore,
    "remembering": RememberingObjectStore,
    "verified": VerifiedObjectStore,
    "patient": PatientObjectStore,
    "s3": S3ObjectStore,
    "s3_compatible": S3ObjectStore,
    "gcs": GcsObjectStore,
    "supabase": SupabaseObjectStore,
}
RUN_STORES: Adapters = {
    "in_memory": InMemoryRunStore,
    "folder": FolderRunStore,
    "dynamodb": DynamoDbRunStore,
}
API_KEY_STORES: Adapters = {
    "in_memory": InMemoryApiKeyStore,
    "dynamodb": DynamoDbApiKeyStore,
}

NEED_A_SERVER: set[type] = {
    SupabaseRestDatabase,
    PostgresDatabase,
    S3ObjectStore,
    GcsObjectStore,
    SupabaseObjectStore,
    DynamoDbRunStore,
    DynamoDbApiKeyStore,
}
