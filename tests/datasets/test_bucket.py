"""Files in a bucket, against an S3-compatible server that is not ours."""

import pytest
from moto.server import ThreadedMotoServer

from cqia import invariants
from datasets import exporting, publishing, storage

from .conftest import accepted, sha
from .test_api import FILE, api, whole
from .test_publishing import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(settings, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.DATASET_BUCKET, settings.DATASET_BUCKET_ENDPOINT, settings.DATASET_BUCKET_PREFIX = "zhumo", f"http://{host}:{port}", "data/"
    storage.store().client.create_bucket(Bucket="zhumo")
    yield
    server.stop()


def test_a_version_lies_in_the_bucket_and_is_served_from_there(bucket, dataset, source, reviewer, viewer, folder):
    accepted(source, reviewer)
    version = made(dataset)
    assert version.state == "ready"
    assert not [path for path in folder.rglob("*") if path.is_file()], "nothing stays on this machine"
    assert set(storage.store().listed()) == {exporting.key_of(file) for file in version.files.all()}
    file = version.files.get(schema="cqia")
    response = api(viewer).get(FILE)
    assert sha(whole(response)) == file.sha256
    part = api(viewer).get(FILE, headers={"Range": "bytes=5-9"})
    assert (part.status_code, len(whole(part))) == (206, 5)
    assert list(invariants.files()) == []


def test_what_is_lost_in_the_bucket_is_noticed_and_written_again(bucket, dataset, source, reviewer, viewer):
    accepted(source, reviewer)
    version = made(dataset)
    file = version.files.get(schema="cqia")
    storage.store().client.delete_object(Bucket="zhumo", Key="data/" + exporting.key_of(file))
    assert [line for line in invariants.files() if "its file is missing" in line]
    assert api(viewer).get(FILE).status_code == 503
    exporting.export(version, "cqia", "jsonl")
    assert sha(whole(api(viewer).get(FILE))) == file.sha256


def test_a_bucket_that_is_away_fails_the_version_and_says_so(bucket, settings, dataset, source, reviewer):
    accepted(source, reviewer)
    settings.DATASET_BUCKET = "no-such-bucket"
    version = publishing.freeze(dataset, by=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datasets.bucket.Bucket.clear", lambda self, prefix: None)
        publishing.build(version.pk)
    version.refresh_from_db()
    assert (version.state, version.error_code) == ("failed", "disk")
    assert "NoSuchBucket" in version.error_detail
