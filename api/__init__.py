"""Maillon over HTTP: routes, services, queries, one folder a domain."""
