"""Files: whole or not there."""

import pytest

from datasets import files

from .conftest import sha


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    seen = []

    def chunks():
        yield b"one\n"
        seen.append([path.name for path in tmp_path.iterdir()])
        yield b"two\n"

    written = files.write(tmp_path, "train.cqia.jsonl", chunks())
    assert written.path.read_bytes() == b"one\ntwo\n"
    assert (written.bytes, written.sha256) == (8, sha(b"one\ntwo\n"))
    [[aside]] = seen
    assert aside.endswith(".tmp")
    assert [path.name for path in tmp_path.iterdir()] == [f"{written.sha256[:12]}-train.cqia.jsonl"]


def test_a_writer_that_breaks_off_leaves_nothing(tmp_path):
    def chunks():
        yield b"one\n"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path / "new", "train.cqia.jsonl", chunks())
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_killed_writer_left_can_be_cleared(tmp_path):
    (tmp_path / ".dead.tmp").write_bytes(b"half")
    files.write(tmp_path, "a.jsonl", [b"whole, but without a row"])
    files.clear(tmp_path)
    assert list(tmp_path.iterdir()) == []
    files.clear(tmp_path / "nowhere")
