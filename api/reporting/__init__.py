"""Figures that come out the same: reads only."""
