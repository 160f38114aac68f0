"""What Supakeep does, one verb a file, written against the ports."""
