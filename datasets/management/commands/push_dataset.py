"""`push_dataset DATASET VERSION OWNER/NAME`: a released version as a repository of the Hugging Face Hub, private unless told otherwise."""

from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import AuditEntry
from datasets.bundling import write_folder
from datasets.exporting import Refused, subject
from datasets.models import Version


class Command(BaseCommand):
    help = "Push a released version to the Hugging Face Hub (token: HF_TOKEN), or write the same files into a folder with --dry-run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("version", type=lambda text: int(text.removeprefix("v")), help="its number: 3 or v3")
        parser.add_argument("repo", nargs="?", default="", help="owner/name on the Hub")
        parser.add_argument("--public", action="store_true", help="everybody may see it; without this it is private")
        parser.add_argument(
            "--dry-run", type=Path, metavar="FOLDER", help="write the files of the repository into this new folder, and send nothing"
        )

    def handle(self, *args: Any, dataset: str, version: int, repo: str, public: bool, dry_run: Path | None, **options: Any) -> None:
        found = Version.objects.select_related("dataset").filter(dataset__slug=dataset, number=version).first()
        if not found or not found.is_usable:
            raise CommandError(f"there is no version {version} of a dataset {dataset} that could be pushed")
        try:
            if dry_run:
                dry_run.mkdir(parents=True)
                write_folder(found, dry_run)
                self.stdout.write(str(dry_run))
                return
            if not repo:
                raise CommandError("which repository? owner/name")
            url = import_module("datasets.hub").push(found, repo, public=public)  # only here: nothing else needs the Hub's client
        except (Refused, OSError) as error:
            raise CommandError(str(error)) from error
        AuditEntry.objects.create(by=None, action="version_pushed", subject=subject(found), detail={"repo": repo, "public": public})
        self.stdout.write(url)
