"""AWS as far as the functions use it, from template.yaml and moto's server."""
