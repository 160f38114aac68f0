"""Where runs and leases are recorded."""
