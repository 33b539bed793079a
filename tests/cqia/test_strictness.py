"""What does not start: weak configurations. And secrets that come out of files."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from cqia.strictness import read_secret_files, secrets_in, weaknesses
from tests.house import ROOT

GOOD = {"key": "kJ8#vQ2xTz" * 8, "debug": False, "https": True, "hosts": ["zhumo.example.org"], "origins": ["https://zhumo.example.org"]}
WEAK = {
    "a short key": ({"key": "short but not known"}, "SECRET_KEY"),
    "a key of one letter": ({"key": "x" * 80}, "SECRET_KEY"),
    "a key of Django's documentation": ({"key": "django-insecure-" + "a1b2c3d4" * 8}, "everybody knows"),
    "every host": ({"hosts": ["zhumo.example.org", "*"]}, "ALLOWED_HOSTS"),
    "every host, by a dot": ({"hosts": ["."]}, "ALLOWED_HOSTS"),
    "DEBUG over TLS": ({"debug": True}, "DEBUG"),
    "DEBUG under a name": ({"debug": True, "https": False}, "DEBUG"),
    "forms from everywhere": ({"origins": ["https://*.example.org"]}, "CSRF_TRUSTED_ORIGINS"),
}


@pytest.mark.parametrize("name", WEAK)
def test_what_is_weak_is_said_to_be(name):
    change, said = WEAK[name]
    assert [said in text for text in weaknesses(**GOOD | change)] == [True]


def test_what_is_not_starts():
    assert weaknesses(**GOOD) == []
    assert weaknesses(**GOOD | {"debug": True, "https": False, "hosts": ["localhost"]}) == [], "on one's own machine"


@pytest.mark.processes
@pytest.mark.parametrize(
    "weak",
    [
        {"SECRET_KEY": ""}, {"SECRET_KEY": "short"}, {"ALLOWED_HOSTS": "*"}, {"DEBUG": "1", "CQIA_HTTPS": "1"},
        {"SECRET_KEY_FILE": "/no/file"},
        {"DEBUG": "1", "ALLOWED_HOSTS": "zhumo.example.org"}, {"CSRF_TRUSTED_ORIGINS": "https://*.example.org"},
        {"CQIA_PROVIDERS": "nonsense"},
    ],
    ids=str,
)  # fmt: skip
def test_eight_bad_configurations_do_not_boot_and_say_why_without_a_secret(weak):
    key = "good key " * 8
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": key, "DJANGO_SETTINGS_MODULE": "cqia.settings"} | weak
    done = subprocess.run([sys.executable, "-c", "import cqia.wsgi"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr
    assert key not in done.stderr


class TestSecretFiles:
    def test_a_file_is_read_in_its_place(self, tmp_path):
        (tmp_path / "key").write_text("s3cret from a file\n")
        environment = {"SECRET_KEY_FILE": str(tmp_path / "key"), "VLLM_API_KEY_FILE": str(tmp_path / "key"), "LOCK_FILE": "/not/ours"}
        read_secret_files(environment)
        assert environment["SECRET_KEY"] == environment["VLLM_API_KEY"] == "s3cret from a file"
        assert "LOCK" not in environment

    def test_one_that_is_not_there_or_says_something_else_stops(self, tmp_path):
        with pytest.raises(ImproperlyConfigured, match="cannot be read"):
            read_secret_files({"DATABASE_URL_FILE": str(tmp_path / "none")})
        (tmp_path / "key").write_text("one")
        with pytest.raises(ImproperlyConfigured, match="both set"):
            read_secret_files({"SECRET_KEY_FILE": str(tmp_path / "key"), "SECRET_KEY": "another"})

    def test_what_is_secret_is_known_wherever_it_stands(self):
        environment = {"DATABASE_URL": "postgres://u:p%2Fassword@h/db", "X_API_KEY": "abc def", "HOME": "/home/someone", "Y_API_KEY": "abc"}
        assert secrets_in(environment) == {"p/assword", "p%2Fassword", "abc def", "abc%20def"}
