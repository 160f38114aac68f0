"""What goes over HTTP: request and response contracts, routes, and how errors are answered."""
