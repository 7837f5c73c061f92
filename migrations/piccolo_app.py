"""The Piccolo app: every table, and where its migrations lie."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

TABLES = [
    f"api.{domain}.tables"
    for domain in (
        "core",
        "skills",
        "people",
        "organisations",
        "identity",
        "missions",
        "applications",
        "hours",
        "notifications",
    )
]

APP_CONFIG = AppConfig(
    app_name="maillon",
    migrations_folder_path=str(Path(__file__).parent / "versions"),
    table_classes=table_finder(TABLES),
)
