"""The `rest` engine: a project's Data API (PostgREST), reached with its URL and secret key."""
