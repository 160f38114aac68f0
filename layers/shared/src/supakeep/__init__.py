"""Backup and restore for Supabase databases."""

__version__ = "0.2.0.dev0"
