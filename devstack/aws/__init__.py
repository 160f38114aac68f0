"""The parts of AWS that the functions use: template.yaml and moto's server."""
