"""A Supabase project on this machine: PostgreSQL, Data API and Storage."""
