"""What lies in deploy/ says the same as the documents, and its parts fit each other."""

import re
from pathlib import Path

import pytest
import yaml

from cqia import metrics

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
README, OPERATIONS = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/operations.md"))
KNOWN = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)) | {"CQIA_PROCESS", "CQIA_BIND"}
OF_OTHERS = {"PATH", "PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def commands() -> dict[str, str]:
    """What the document says is started, from the module on, without what a place may choose."""
    said = re.findall(r"python (-m \S+ [^`]+)`", OPERATIONS)
    return {"beat" if " beat " in one else one.split(" -Q ")[1].split()[0] if " -Q " in one else "web": plain(one) for one in said}


def plain(command: str) -> str:
    return re.sub(r" -n \S+| -s \S+", "", command.replace("%%h", "%h")).strip()


def test_services_of_compose_are_what_the_document_starts():
    services = COMPOSE["services"]
    for name, command in commands().items():
        if name != "web":  # the image's own command
            assert plain(" ".join(services[{"work": "work", "draft": "draft", "beat": "beat"}[name]]["command"][1:])) == command
    image = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert commands()["web"] == " ".join(re.search(r"^CMD \[(.+)\]", image, re.MULTILINE)[1].replace('"', "").split(", ")[1:])


def test_what_compose_refers_to_is_there():
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"], name
        assert set(service.get("environment", {})) <= KNOWN | {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"}
        assert service.get("image") == "zhumo" or ":" in service["image"], name
    assert "noeviction" in services["redis"]["command"]
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"], "only a proxy on this machine comes in"
    assert (DEPLOY / services["web"]["build"]["context"] / services["web"]["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


@pytest.mark.parametrize("name", ["zhumo-web.service", "zhumo-worker@.service", "zhumo-beat.service"])
def test_units_start_what_the_document_says(name):
    text = (DEPLOY / name).read_text("utf-8")
    said = plain(re.search(r"^ExecStart=\S+python (.+)$", text, re.MULTILINE)[1])
    for queue in ("work", "draft"):
        if "%i" in said:
            assert said.replace("%i", queue) == commands()[queue]
    if "%i" not in said:
        assert said in commands().values()
    assert int(re.search(r"TimeoutStopSec=(\d+)", text)[1]) >= 30
    target = (DEPLOY / "zhumo.target").read_text("utf-8")
    assert name.removesuffix(".service") in target


def test_variables_of_the_examples_are_ours():
    named = re.findall(r"^([A-Z_]+)=", (DEPLOY / "zhumo.env.example").read_text("utf-8"), re.MULTILINE)
    of_image = re.search(r"^ENV (.+)$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)[1]
    assert set(named) | {pair.split("=")[0] for pair in of_image.split()} <= KNOWN | OF_OTHERS


@pytest.mark.django_db
def test_alarms_ask_for_figures_that_there_are():
    rules = yaml.safe_load((DEPLOY / "alarms.yaml").read_text("utf-8"))["groups"][0]["rules"]
    asked = set(re.findall(r"\bzhumo_\w+", " ".join(rule["expr"] for rule in rules)))
    metrics.note("verify", findings=0)
    metrics.note("backup", bytes=1)
    there = set(re.findall(r"^# TYPE (zhumo_\w+) ", metrics.text().decode(), re.MULTILINE))
    assert {name.removesuffix("_bucket") for name in asked} <= there
