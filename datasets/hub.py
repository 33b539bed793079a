"""A version as a repository of the Hugging Face Hub. The token comes from the environment (HF_TOKEN) and goes nowhere else."""

import os
import tempfile
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from .bundling import write_folder
from .exporting import Refused, subject
from .models import Version


def push(version: Version, repo: str, *, public: bool = False, endpoint: str | None = None) -> str:
    """Upload the bundle of a released version as the dataset `repo` ("owner/name", made if it is not there, private unless
    `public`), and tag it with the version's number; gives its address. Raises Refused, OSError."""
    if version.state != Version.State.RELEASED:
        raise Refused("not_released", f"{subject(version)} is {version.state}: release it first")
    token = os.environ.get("HF_TOKEN", "")
    if not token:
        raise Refused("no_token", "HF_TOKEN is not set: make a token with write access on the Hub and put it into the environment")
    api = HfApi(endpoint=endpoint, token=token)
    with tempfile.TemporaryDirectory(prefix="zhumo-hub-") as folder:
        write_folder(version, Path(folder))
        try:
            url = api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
            message = f"Version {version.number}, sha256 {version.sha256}"
            api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder, commit_message=message, delete_patterns="*")
            api.create_tag(repo, repo_type="dataset", tag=f"v{version.number}", exist_ok=True)
        except HfHubHTTPError as error:
            raise Refused("hub", f"the Hub refused: {error.server_message or error.response.status_code}") from error
    return str(url)
