"""Which faces' restorers can be used, by packages and files alone."""

import sys

from webui.catalog.face_restorers import (
    CODEFORMER,
    FINDERS,
    GFPGAN,
    FaceRestorer,
    face_restorers_available,
    finders_folder,
)


def put(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def test_files_are_found_where_a1111_keeps_them_the_newest_by_name(tmp_path):
    assert GFPGAN.file(tmp_path) is None
    put(tmp_path / "GFPGAN", "GFPGANv1.3.pth", "GFPGANv1.4.pth", "parsing_parsenet.pth", "notes.txt")
    put(tmp_path / "Codeformer", "codeformer-v0.1.0.pth")
    assert GFPGAN.file(tmp_path) == tmp_path / "GFPGAN" / "GFPGANv1.4.pth"
    assert CODEFORMER.file(tmp_path) == tmp_path / "Codeformer" / "codeformer-v0.1.0.pth"


def test_what_finds_faces_must_be_whole_in_one_folder(tmp_path):
    put(tmp_path / "GFPGAN", FINDERS[0])
    put(tmp_path / "Codeformer", FINDERS[1])
    assert finders_folder(tmp_path) is None
    put(tmp_path / "Codeformer", FINDERS[0])
    assert finders_folder(tmp_path) == tmp_path / "Codeformer"


def test_packages_are_looked_for_and_not_imported(tmp_path):
    known = FaceRestorer("Known", "Known", ("json", "this_package_is_nowhere", "colorsys"))
    assert known.missing() == ["this_package_is_nowhere"]
    put(tmp_path / "GFPGAN", "GFPGANv1.4.pth", *FINDERS)
    offered = face_restorers_available(tmp_path)
    assert offered == ([] if GFPGAN.missing() else ["GFPGAN"])
    assert "facexlib" not in sys.modules
