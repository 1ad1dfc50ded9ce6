"""Wildcards: which files there are, what they hold, and that they are read once."""

import os
import random
import time

import pytest

from webui.prompting import wildcards_entries
from webui.prompting.wildcards import UnknownWildcardError, Wildcards
from webui.prompting.wildcards_files import MAX_BYTES, Entry, find, read_structured


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "wildcards"
    folder.mkdir()
    return folder


@pytest.fixture
def wildcards(folder):
    return Wildcards([folder], look_again=0)


def put(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def test_a_text_file_has_an_entry_a_line(folder, wildcards):
    put(folder / "colour.txt", "\ufeffred\r\n\n  blue  \n# a comment\ngreen # leaves\n3::black\n.5::grey\n")
    assert wildcards.first("colour", 10) == ["red", "blue", "green", "black", "grey"]
    entries = wildcards.entries("colour")
    assert entries.texts == ("black", "blue", "green", "grey", "red")
    assert entries.weights == (3, 1, 1, 0.5, 1)
    assert [(info.name, info.count) for info in wildcards.listed()] == [("colour", 5)]


def test_entries_come_once_and_those_of_weight_nothing_never(folder, wildcards):
    put(folder / "a.txt", "b\na\nb\n0::c\n")
    assert wildcards.entries("a").texts == ("a", "b")
    assert wildcards.entries("a").weights is None


def test_weights_are_kept_to(folder, wildcards):
    put(folder / "a.txt", "3::often\nseldom\n")
    rand = random.Random(1)
    chosen = [wildcards.entries("a").choice(rand) for _ in range(2000)]
    assert 0.7 < chosen.count("often") / len(chosen) < 0.8


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("animals.yaml", "pets:\n  cats: [tabby, 2::siamese]\n  dog: beagle\nempty: []\nnone:\n"),
        (
            "animals.yml",
            "pets:\n  cats:\n  - tabby\n  - {text: siamese, weight: 2}\n  dog: [beagle, {a: b}]\n",
        ),
        (
            "animals.json",
            '{"pets": {"cats": ["tabby", {"content": "siamese", "weight": 2}], "dog": "beagle"}}',
        ),
    ],
)
def test_structured_files_have_many_by_name(folder, wildcards, name, content):
    put(folder / "deep" / name, content)
    assert wildcards.names() == ["deep/pets/cats", "deep/pets/dog"]
    assert wildcards.entries("deep/pets/cats").texts == ("siamese", "tabby")
    assert wildcards.entries("deep/pets/cats").weights == (2, 1)
    assert wildcards.first("deep/pets/dog", 5) == ["beagle"]
    assert [info.count for info in wildcards.listed()] == [2, 1]


def test_a_bare_list_is_called_as_its_file(folder, wildcards):
    put(folder / "list.json", '["a", "", 1990, "b", null, ["c"]]')
    put(folder / "words.yaml", "- no\n- 1990\n- 0x10\n")
    assert wildcards.first("list", 5) == ["a", "1990", "b"]
    assert wildcards.first("words", 5) == ["no", "1990", "0x10"]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[" * 100_000,
        "a: " * 3000,
        "a: [",
        "- &a [*a]",
        "!!python/object/apply:os.system [ls]",
        "\0",
        "5",
        "? [a]\n: b",
    ],
)
@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_broken_and_hostile_files_hold_nothing(folder, wildcards, content, ending):
    put(folder / f"x.{ending}", content)
    put(folder / "y.txt", "fine")
    assert wildcards.first("y", 1) == ["fine"]
    assert all(wildcards.entries(name).texts for name in wildcards.names())


@pytest.mark.parametrize("leaf", ["[x]", "{}", "x"])
def test_aliases_that_multiply_are_cut_short(folder, leaf):
    bomb = "\n".join(
        f"a{n}: &a{n} {{{', '.join(f'k{k}: *a{n - 1}' for k in range(9))}}}" for n in range(1, 9)
    )
    put(folder / "bomb.yaml", f"a0: &a0 {leaf}\n{bomb}\n")
    [file] = find(folder)
    begin = time.process_time()
    assert len(read_structured(file)) <= 100_000
    assert time.process_time() - begin < 8


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("colour", ("red",)),
        ("clothes/hat", ("cap", "fez")),
        ("hat", ("cap", "fez")),
        ("HAT", ("cap", "fez")),
        ("clothes/*", ("cap", "fez", "sock")),
        ("*/sho*", ("sock",)),
        ("shoe?", ("sock",)),
        ("cl[ao]thes\\hat", ("cap", "fez")),
        ("/clothes//hat/", ("cap", "fez")),
        ("thes/hat", ()),
        ("nothing", ()),
        ("../wildcards/colour", ()),
        ("", ()),
    ],
)
def test_a_pattern_names(folder, wildcards, pattern, texts):
    put(folder / "colour.txt", "red")
    put(folder / "clothes" / "hat.txt", "fez\ncap")
    put(folder / "clothes" / "shoes.txt", "sock")
    assert wildcards.entries(pattern).texts == texts


def test_an_earlier_folders_files_come_first(tmp_path):
    put(tmp_path / "own" / "a.txt", "own")
    put(tmp_path / "theirs" / "a.txt", "theirs")
    put(tmp_path / "theirs" / "b.txt", "b")
    wildcards = Wildcards([tmp_path / "own", tmp_path / "theirs", tmp_path / "missing"])
    assert wildcards.names() == ["a", "b"]
    assert wildcards.entries("a").texts == ("own",)


def test_other_files_and_hidden_ones_are_none(folder, wildcards):
    for name in ("a.csv", ".b.txt", ".git/c.txt", "d"):
        put(folder / name, "x")
    with put(folder / "huge.txt", "x").open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert wildcards.names() == []
    with pytest.raises(UnknownWildcardError):
        wildcards.first("huge", 1)
    with pytest.raises(UnknownWildcardError):
        wildcards.count("../../etc/passwd")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_followed_but_not_round_in_circles(tmp_path, folder, wildcards):
    put(tmp_path / "elsewhere" / "a.txt", "x")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "gone.txt").symlink_to(tmp_path / "nothing")
    assert wildcards.names() == ["linked/a"]


def test_a_changed_file_is_read_again(folder, wildcards):
    file = put(folder / "a.txt", "before")
    assert wildcards.entries("a").texts == ("before",)
    assert wildcards.count("a") == 1
    put(file, "after\nlater")
    os.utime(file, (1, 1))
    assert wildcards.entries("a").texts == ("after", "later")
    assert wildcards.count("a") == 2
    file.unlink()
    assert wildcards.entries("a").texts == ()
    assert wildcards.names() == []


def test_a_huge_file_is_read_once(folder):
    wildcards = Wildcards([folder])
    put(folder / "many.txt", "\n".join(f"line {n}" for n in range(200_000)))
    assert len(wildcards.entries("many").texts) == 200_000
    begin = time.process_time()
    for _ in range(100):
        assert wildcards.entries("many").choice(random.Random(1)).startswith("line")
    assert time.process_time() - begin < 0.1


def test_patterns_that_match_the_same_share_what_was_read(folder):
    for number in range(20):
        put(folder / f"w{number}.txt", "\n".join(f"{number} {line}" for line in range(50)))
    wildcards, read = Wildcards([folder]), list[int]()
    assert len(wildcards.entries("w*", read.append).texts) == 1000
    assert read == [50] * 20 + [1000]
    first = wildcards.entries("w*")
    for pattern in ("*", "w[0-9]*", "*[0-9]", "[w]*"):
        assert wildcards.entries(pattern, read.append) is first
    wildcards.entries("w?", read.append)
    wildcards.entries("w3", read.append)
    assert read == [50] * 20 + [1000, 500]


def test_no_more_texts_are_kept_than_there_is_room_for(folder, monkeypatch):
    monkeypatch.setattr(wildcards_entries, "MOST_KEPT", 100)
    for name in "abc":
        put(folder / f"{name}.txt", "\n".join(f"{name}{line}" for line in range(40)))
    wildcards, read = Wildcards([folder]), list[int]()
    for name in "abab":
        wildcards.entries(name, read.append)
    assert read == [40, 40]
    wildcards.entries("c", read.append)  # a goes
    wildcards.entries("b", read.append)
    assert read == [40, 40, 40]
    wildcards.entries("a", read.append)
    assert read == [40, 40, 40, 40]
    assert len(wildcards.entries("*").texts) == 120


def test_one_far_too_long_line_is_no_prompt(folder, wildcards):
    put(folder / "a.txt", "x" * 30_000 + "\nshort\n" + " " * 100_000 + "#")
    assert wildcards.first("a", 5) == ["short"]


def test_an_entry_is_a_text_and_a_weight():
    assert Entry("a").weight == 1
