"""The peer: the same reads of the same tables as users of FastAPI, SQLAlchemy and Pydantic write them.

It runs in an environment of its own (`requirements/bench.txt`) and imports nothing of Maillon.
"""
