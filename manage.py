#!/usr/bin/env python
"""Django's command line. Provides the embedded engines first when DATABASE_URL or REDIS_URL is not set."""

import os
import sys
from pathlib import Path

# These look at the code only.
WITHOUT_ENGINES = {"help", "--help", "version", "--version", "check", "collectstatic", "messages", "makemigrations", "spectacular"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cqia.settings")
    from cqia import embedded

    root = Path(__file__).resolve().parent
    var = Path(os.environ.setdefault("CQIA_VAR", str(root / "var"))).resolve()
    try:
        embedded.provide_secret_key(var)
        if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_ENGINES:
            embedded.provide(var)
            embedded.join_provider(var)
    except embedded.EngineError as error:
        sys.exit(f"zhumo: {error}")

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
