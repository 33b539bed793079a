"""`export DATASET VERSION`: writes a frozen version in a layout, if it is not there yet, and prints where it lies."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datasets import exporting
from datasets.models import Version
from datasets.schemas import SCHEMAS
from datasets.writers import WRITERS


class Command(BaseCommand):
    help = "Write a frozen version as a file and print its path; the same version gives the same bytes, always."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("version", type=lambda text: int(text.removeprefix("v")), help="its number: 3 or v3")
        parser.add_argument("--schema", default="cqia", choices=SCHEMAS)
        parser.add_argument("--format", default="jsonl", choices=WRITERS)
        parser.add_argument("--output", type=Path, help="copy it to this path")

    def handle(self, *args: Any, dataset: str, version: int, schema: str, output: Path | None, **options: Any) -> None:
        found = Version.objects.select_related("dataset").filter(dataset__slug=dataset, number=version).first()
        if not found:
            raise CommandError(f"there is no version {version} of a dataset {dataset}")
        try:
            file = exporting.export(found, schema, options["format"])
            path = exporting.path_of(file)
            if output:
                path = Path(shutil.copyfile(path, output / file.name if output.is_dir() else output))
        except (exporting.Refused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(str(path))
        self.stderr.write(f"{file.bytes} bytes, sha256 {file.sha256}")
