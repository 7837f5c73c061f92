"""The server's entry point, and the only module that reads the environment for it."""

import gc
import os

from litestar.types import ASGIApp

from api.app import create_app
from api.core import log
from api.core.settings import read_settings


def create() -> ASGIApp:
    """Make the application from `MAILLON_*` variables; raises BadSettings."""
    log.configure()
    app = create_app(read_settings(os.environ))
    # What lives as long as the process is not gone through again by each collection, while requests wait.
    gc.collect()
    gc.freeze()
    return app
