"""The one Piccolo app that migrates the database."""
