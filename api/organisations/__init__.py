"""Associations, companies, members, employees, policies."""
