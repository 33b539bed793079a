"""Files: whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from datasets import files, storage

from .conftest import sha

pytestmark = pytest.mark.django_db


def fill(out):
    out.write(b"one\n")
    out.write(b"two\n")


def test_a_file_has_its_name_only_when_it_is_whole(folder):
    seen = []

    def slowly(out):
        out.write(b"one\n")
        seen.extend(storage.store().listed())
        out.write(b"two\n")

    size, sha256 = storage.write(lambda sha256: f"a/1/{sha256[:12]}-x.jsonl", slowly)
    assert seen == []
    assert (size, sha256) == (8, sha(b"one\ntwo\n"))
    assert list(storage.store().listed()) == [f"a/1/{sha256[:12]}-x.jsonl"]
    assert (folder / "a" / "1" / f"{sha256[:12]}-x.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_writer_that_breaks_off_leaves_nothing(folder):
    def breaks(out):
        out.write(b"one\n")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        storage.write(lambda sha256: f"a/1/{sha256}", breaks)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_what_a_killed_writer_left_can_be_cleared(folder):
    storage.write(lambda sha256: "a/1/whole", fill)
    storage.write(lambda sha256: "a/2/other", fill)
    storage.store().clear("a/1/")
    assert list(storage.store().listed()) == ["a/2/other"]
    storage.store().clear("nowhere/1/")


def test_what_a_dead_writer_left_aside_is_swept_and_what_is_being_written_is_not(folder):
    def while_another_is_dead(out):
        dead, newborn = folder / ".aside" / ".dead.tmp", folder / ".aside" / ".new.tmp"
        for path in (dead, newborn):
            path.write_bytes(b"half")
        for path in (folder / ".aside").iterdir():
            os.utime(path, None if path == newborn else (0, 0))
        assert storage.sweep() == 1
        assert not dead.exists()
        assert newborn.exists()
        out.write(b"whole\n")

    storage.write(lambda sha256: "a/1/x", while_another_is_dead)
    assert b"".join(storage.store().chunks("a/1/x", 0, 99)) == b"whole\n"


def test_a_part_of_a_file(folder):
    storage.write(lambda sha256: "a/1/x", fill)
    store = storage.store()
    assert b"".join(store.chunks("a/1/x", 2, 6)) == b"e\ntw"
    assert b"".join(store.chunks("a/1/x", 0, 99)) == b"one\ntwo\n"
    assert (store.size("a/1/x"), store.size("a/1/y")) == (8, None)
    with pytest.raises(OSError, match="y"):
        b"".join(store.chunks("a/1/y", 0, 1))


def test_a_sink_sums_what_it_is_given(tmp_path):
    with files.written(tmp_path, fill) as done:
        assert (done.bytes, done.sha256, done.aside.read_bytes()) == (8, sha(b"one\ntwo\n"), b"one\ntwo\n")
    assert not done.aside.exists()


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_end(folder, monkeypatch):
    deeds, fsync, replace = [], os.fsync, Path.replace

    def synced(handle):
        deeds.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def named(self, target):
        deeds.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    storage.write(lambda sha256: "a/1/x", fill)
    assert deeds == ["file", "name", "folder", "folder"]
