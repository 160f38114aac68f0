"""Speed and memory, compared with what people use today: `make bench`."""
