"""Speed and memory, measured against what people use today: `make bench`."""
