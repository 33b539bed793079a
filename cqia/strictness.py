"""Secrets out of files, and configurations with which nothing of this starts."""

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
LENGTH, LETTERS = 50, 5  # of a SECRET_KEY, as Django asks for
PUBLISHED = ("django-insecure", "insecure", "changeme", "change-me", "secret")  # keys that stand in somebody's documentation
FILE = "_FILE"
SECRETS = ("SECRET_KEY", "OIDC_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "CQIA_METRICS_TOKEN", "HF_TOKEN")
FROM_FILES = (*SECRETS, "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL", "EMAIL_URL")


def read_secret_files(environment: MutableMapping[str, str]) -> None:
    """`NAME_FILE` names a file that holds NAME, as containers and systemd hand them on: for our own secrets, and for the keys of
    providers. Raises ImproperlyConfigured for one that cannot be read, and for a secret that is given both ways."""
    for name in [name for name in environment if name.endswith(FILE)]:
        secret = name.removesuffix(FILE)
        if secret not in FROM_FILES and not secret.endswith("_API_KEY"):
            continue
        try:
            value = Path(environment[name]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}: the file cannot be read ({type(error).__name__})") from None
        if environment.get(secret, value) != value:
            raise ImproperlyConfigured(f"{secret} and {name} are both set, and differ: unset one")
        environment[secret] = value


def secrets_in(environment: Mapping[str, str]) -> set[str]:
    """The secrets that are set, and the passwords in addresses; each also as it stands in an address."""
    found = set()
    for name, value in environment.items():
        if name in SECRETS or name.endswith("_API_KEY"):
            found.add(value)
        elif name.endswith("_URL") and "@" in value:
            found.add(unquote(urlsplit(value).password or ""))
    return {text for secret in found if len(secret) >= 6 for text in (secret, quote(secret), quote(secret, safe=""))}


def weaknesses(*, key: str, debug: bool, https: bool, hosts: Sequence[str], origins: Sequence[str]) -> list[str]:
    """Why this must not run, in words that say what to set; nothing if it may."""
    found = []
    if len(key) < LENGTH or len(set(key)) < LETTERS:
        found.append(f"SECRET_KEY is weak: set {LENGTH} random characters and more, or unset it where `manage.py` may make one")
    elif key.lower().startswith(PUBLISHED):
        found.append("SECRET_KEY is one that everybody knows: set your own")
    if any(host.strip() in ("*", ".") for host in hosts):
        found.append("ALLOWED_HOSTS lets every name in: list those under which this is reached")
    if debug and (https or set(hosts) - LOOPBACK):
        found.append("DEBUG shows the inside to everybody: unset it, or CQIA_HTTPS and ALLOWED_HOSTS")
    if any("*" in origin for origin in origins):
        found.append("CSRF_TRUSTED_ORIGINS has a wildcard: list the addresses")
    return found
