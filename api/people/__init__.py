"""Persons, their addresses and languages."""
