"""The composition root: builds adapters from settings, and knows no rule."""

from supakeep.wiring.clients import FOR_ANSWERS, FOR_WORK, Timeouts
from supakeep.wiring.places import folder_at, s3_store, store_at
from supakeep.wiring.project import Adapters, SupabaseProject, with_secrets

__all__ = [
    "FOR_ANSWERS",
    "FOR_WORK",
    "Adapters",
    "SupabaseProject",
    "Timeouts",
    "folder_at",
    "s3_store",
    "store_at",
    "with_secrets",
]
