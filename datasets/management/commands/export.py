"""`export DATASET VERSION`: writes a frozen version in a layout, if it is not there yet, and prints where its files lie."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datasets import exporting, storage
from datasets.models import File, Version
from datasets.schemas import SCHEMAS
from datasets.writers import WRITERS


class Command(BaseCommand):
    help = "Write a frozen version as files, one for each split, and print their paths; the same version gives the same records, always."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("version", type=lambda text: int(text.removeprefix("v")), help="its number: 3 or v3")
        parser.add_argument("--schema", default="cqia", choices=[*SCHEMAS, "bundle"], help="bundle: everything in one zip")
        parser.add_argument("--format", choices=[*WRITERS, "zip"], help="jsonl, unless it is a bundle")
        parser.add_argument("--output", type=Path, help="copy it to this path, or into this folder")

    def handle(self, *args: Any, dataset: str, version: int, schema: str, output: Path | None, **options: Any) -> None:
        found = Version.objects.select_related("dataset").filter(dataset__slug=dataset, number=version).first()
        if not found:
            raise CommandError(f"there is no version {version} of a dataset {dataset}")
        try:
            written = exporting.export(found, schema, options["format"] or ("zip" if schema == "bundle" else "jsonl"))
            if output and len(written) > 1 and not output.is_dir():
                raise CommandError(f"there are {len(written)} files, one for each split: --output must be a folder that is there")
            for file in written:
                self.stdout.write(self._place(file, output))
                self.stderr.write(f"{file.name}: {file.bytes} bytes, sha256 {file.sha256}")
        except (exporting.Refused, OSError) as error:
            raise CommandError(str(error)) from error

    def _place(self, file: File, output: Path | None) -> str:
        """Where the file lies: on the disk, in the bucket, or where it was copied to."""
        store = storage.store()
        if not output:
            return str(store.path(exporting.key_of(file))) if isinstance(store, storage.Disk) else exporting.key_of(file)
        path = output / file.name if output.is_dir() else output
        with path.open("wb") as out:
            out.writelines(store.chunks(exporting.key_of(file), 0, file.bytes))
        return str(path)
