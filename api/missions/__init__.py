"""Missions: scoping, lifecycle, search."""
