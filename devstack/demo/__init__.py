"""Jewelshot: its tables, its rows, its accidents, and the demo that shows Supakeep at work on them."""
