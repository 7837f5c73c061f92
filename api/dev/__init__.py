"""Embedded servers and demo data: development and tests only, never production."""
