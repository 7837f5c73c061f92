"""Where Piccolo's commands find the engine and the app."""

from piccolo.conf.apps import AppRegistry

from api.core.database import ENGINE

DB = ENGINE
APP_REGISTRY = AppRegistry(apps=["migrations.piccolo_app"])
