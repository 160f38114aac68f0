"""The secrets of the project under test, which no output may show."""

from __future__ import annotations

SIGNING_KEY = "the-signing-key-that-nobody-may-see-01"
SECRET = {
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_that_nobody_may_see",
    "ADMIN_KEY": "the-admin-key-that-nobody-may-see",
    "CRON_SECRET": "the-cron-secret-that-nobody-may-see",
    "SIGNING_KEY": SIGNING_KEY,
}
AWS_SECRET_KEY = "the-aws-secret-key-that-nobody-may-see"
NEW_KEY = "sb_secret_that_took_its_place"
# whoever has the address of a webhook can write there
NOTICES_SECRET = "the-path-of-notices-that-nobody-may-see"
SECRETS = (*SECRET.values(), NEW_KEY, AWS_SECRET_KEY, NOTICES_SECRET)
