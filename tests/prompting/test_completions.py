"""Completions: what is found, in which order, and what is put into the prompt."""

import os
import random
import time

import pytest

from webui.prompting.book import PromptBook
from webui.prompting.completions import Completion, Completions
from webui.prompting.completions_networks import Network
from webui.prompting.styles_store import StyleStore
from webui.prompting.tags import MAX_ROWS, Tags
from webui.prompting.wildcards import Wildcards

TAGS = """\
1girl,0,6000000,"1girls,sole_female"
solo,0,5000000,alone
long_hair,0,4000000,"/lh,longhair"
blue_eyes,0,1700000,
very_long_hair,0,900000,
hair_ornament,0,1100000,
saber_(fate),4,50000,"artoria_pendragon,arturia"
blue,0,10,
^_^,0,9000,
o_o,0,8000,
日本,5,70,ニッポン
"""


@pytest.fixture
def tags(tmp_path):
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "danbooru.csv").write_text(TAGS, encoding="utf-8")
    return Tags([tmp_path / "tags", tmp_path / "none"])


@pytest.fixture
def networks():
    return [
        Network("lora", "film_grain", "sd1"),
        Network("lora", "blueprint", "sdxl", 0.65, "plan, white lines"),
        Network("embedding", "EasyNegative", "sd1", 0.5, "never put in"),
        Network("network", "hairy"),
    ]


@pytest.fixture
def completions(tmp_path, networks, tags):
    wildcards = tmp_path / "wildcards" / "clothes"
    wildcards.mkdir(parents=True)
    (wildcards / "hair_bow.txt").write_text("red\n")
    book = PromptBook(StyleStore([tmp_path / "styles.csv"]), Wildcards([tmp_path / "wildcards"]))
    book.styles.save("Film noir", "black and white {prompt}, film grain", "colour")
    book.styles.save("Only negative", "", "film")
    return Completions(lambda: networks, book, tags)


def found(completions, typed, limit=20):
    return [(one.kind, one.name) for one in completions.search(typed, limit)]


def test_what_begins_so_comes_before_what_has_such_a_word(completions):
    assert found(completions, "hair") == [
        ("network", "hairy"),
        ("tag", "hair ornament"),
        ("wildcard", "clothes/hair_bow"),
        ("tag", "long hair"),
        ("tag", "very long hair"),
    ]
    assert found(completions, "blue") == [("tag", "blue"), ("lora", "blueprint"), ("tag", "blue eyes")]
    assert found(completions, "hair", 2) == [("network", "hairy"), ("tag", "hair ornament")]


@pytest.mark.parametrize("typed", ["long hair", "long_hair", " LONG_ha", "ong hai", "longhair", "/lh"])
def test_a_tag_is_found_however_it_is_typed(completions, typed):
    assert found(completions, typed)[0] == ("tag", "long hair")


def test_tags_are_put_in_as_prompts_want_them(completions):
    assert completions.search("saber", 1) == [
        Completion("tag", "saber (fate)", r"saber \(fate\)", "character", 50000)
    ]
    assert found(completions, r"saber \(fa") == [("tag", "saber (fate)")]
    [by_alias] = completions.search("artoria", 5)
    assert (by_alias.name, by_alias.detail) == ("saber (fate)", "artoria_pendragon")
    assert [one.insert for one in completions.search("^", 5)] == ["^_^"]
    assert [one.insert for one in completions.search("o_o", 5)] == ["o_o"]
    assert [one.insert for one in completions.search("ニッ", 5)] == ["日本"]


def test_networks_are_put_in_with_the_weight_and_words_that_were_set_for_them(completions):
    assert completions.search("film g", 1) == [Completion("lora", "film_grain", "<lora:film_grain:1>", "sd1")]
    assert completions.search("bluep", 1)[0].insert == "<lora:blueprint:0.65> plan, white lines"
    assert completions.search("hairy", 1)[0].insert == "<hypernet:hairy:1>"
    assert completions.search("easyneg", 1)[0].insert == "EasyNegative"


def test_a_style_is_put_in_as_its_words(completions):
    [style] = [one for one in completions.search("film", 9) if one.kind == "style"]
    assert (style.name, style.insert) == ("Film noir", "black and white, film grain")


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("<", ["hairy", "blueprint", "film_grain"]),
        ("<lo", ["blueprint", "film_grain"]),
        ("<lora:", ["blueprint", "film_grain"]),
        ("<lora:gra", ["film_grain"]),
        ("<hypernet:", ["hairy"]),
        ("<lo:", []),
        ("__", ["clothes/hair_bow"]),
        ("__clothes/h", ["clothes/hair_bow"]),
        ("__bow__", ["clothes/hair_bow"]),
        ("__x", []),
        ("", []),
        ("  ", []),
        ("\\", []),
        ("no such thing", []),
    ],
)
def test_signs_ask_for_one_kind(completions, typed, names):
    assert sorted(name for _, name in found(completions, typed)) == sorted(names)
    if typed.startswith("__") and names:
        assert completions.search(typed, 1)[0].insert == "__clothes/hair_bow__"


def test_lists_of_several_programs_become_one(tmp_path, tags):
    other = tmp_path / "tags" / "extra.CSV"
    other.write_text(
        'name,category,count,aliases\nsolo,0,7,\nsolo_focus,3,400000,"a,b"\nmasterpiece,5,Quality,\n\n,\n"x'
    )
    assert [(tag.name, tag.uses) for tag in tags.search("solo", 9)] == [
        ("solo", 5000000),
        ("solo_focus", 400000),
    ]
    assert [tag.uses for tag in tags.search("masterpiece", 9)] == [0]
    assert tags.search("aliases", 9) == []


def test_a_changed_list_is_read_again(tmp_path, tags, monkeypatch):
    monkeypatch.setattr("webui.prompting.tags.LOOK_AGAIN", 0)
    assert tags.search("fresh", 1) == []
    file = tmp_path / "tags" / "danbooru.csv"
    file.write_text("fresh,0,1,")
    os.utime(file, (1, 1))
    assert [tag.name for tag in tags.search("fresh", 1)] == ["fresh"]
    file.unlink()
    assert tags.search("fresh", 1) == []


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b'"' * 5000, b"\0" * 99, b"," * 9999, b"x" * 200_000]
)
def test_what_is_no_list_is_no_trouble(tmp_path, tags, content):
    (tmp_path / "tags" / "broken.csv").write_bytes(content)
    assert [tag.name for tag in tags.search("solo", 1)] == ["solo"]


def test_a_long_list_is_searched_quickly(tmp_path):
    rand = random.Random(1)
    parts = ["hair", "blue", "eyes", "long", "dress", "hat", "cat", "sky", "red", "up"]
    with (tmp_path / "big.csv").open("w") as file:
        for number in range(100_000):
            name = "_".join(rand.choices(parts, k=3))
            file.write(f'{name}{number},{number % 6},{number},"alias{number},other_{number}"\n')
    tags = Tags([tmp_path])
    assert [tag.uses for tag in tags.search("hair", 3)] == sorted(
        (tag.uses for tag in tags.search("hair", 3)), reverse=True
    )
    begin = time.process_time()
    for wanted in ("hair", "cat dress", "zzz", "alias5", "up99", "e") * 5:
        tags.search(wanted, 20)
    assert (time.process_time() - begin) / 30 < 0.05
    assert MAX_ROWS > 100_000
