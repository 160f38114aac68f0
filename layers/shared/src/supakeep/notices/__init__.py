"""Where it is told how runs end: a webhook, and a URL that is pinged."""
