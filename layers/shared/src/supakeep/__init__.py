"""Backup and restore for Supabase databases."""

__version__ = "0.1.0"
