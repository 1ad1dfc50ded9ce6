"""The prompt book: what a job's pictures are drawn from."""

import pytest

from webui.config import Config
from webui.params import MAX_PROMPT, GenerationParams, InvalidParamsError
from webui.params.regions import Region
from webui.prompting.book import PromptBook
from webui.prompting.book_places import open_book, tag_folders
from webui.prompting.prepared import PicturePrompt, texts_of
from webui.prompting.styles_store import StyleStore
from webui.prompting.wildcards import Wildcards


@pytest.fixture
def book(tmp_path):
    (tmp_path / "colour.txt").write_text("red\ngreen\nblue\n")
    book = PromptBook(StyleStore([tmp_path / "styles.csv"]), Wildcards([tmp_path]))
    book.styles.save("Photo", "photo of {prompt}", "painting")
    book.styles.save("Any", "{day|night}", "__colour__")
    return book


def params(prompt="", negative_prompt="", **fields):
    return GenerationParams(prompt=prompt, negative_prompt=negative_prompt, **fields)


def refusal(book, **fields):
    with pytest.raises(InvalidParamsError) as caught:
        book.check(params(**fields))
    return caught.value.field, str(caught.value)


def test_prompts_as_they_were_asked_for_need_nothing(book):
    prepared = book.prepare(params("a cat {x} [a|b]", "dog"), range(3))
    assert (prepared.prompts, prepared.notices) == ((), ())


def test_styles_are_in_every_picture_and_no_template_tells_of_them(book):
    prepared = book.prepare(params("a cat", "dog", styles=("Photo",)), range(3))
    assert prepared.prompts == (PicturePrompt("photo of a cat", "dog, painting"),) * 3


def test_wildcards_differ_from_picture_to_picture_but_not_from_time_to_time(book):
    asked = params("a __colour__ {cat|dog}", "ugly")
    prompts = book.prepare(asked, range(30)).prompts
    assert len({prompt.prompt for prompt in prompts}) == 6
    assert {prompt.template for prompt in prompts} == {"a __colour__ {cat|dog}"}
    assert {(prompt.negative, prompt.negative_template) for prompt in prompts} == {("ugly", None)}
    assert book.prepare(asked, [7]).prompts == prompts[7:8]


def test_styles_come_before_wildcards(book):
    [prompt] = book.prepare(params("a cat", styles=("Photo", "Any")), [1]).prompts
    assert prompt.prompt in ("photo of a cat, day", "photo of a cat, night")
    assert prompt.template == "photo of a cat, {day|night}"
    assert prompt.negative.removeprefix("painting, ") in ("red", "green", "blue")
    assert prompt.negative_template == "painting, __colour__"


def test_dynamic_prompts_can_be_switched_off(book):
    asked = params("a {b|c} __colour__ {d|", styles=("Any",), dynamic_prompts=False)
    [prompt] = book.prepare(asked, [1]).prompts
    assert prompt == PicturePrompt("a {b|c} __colour__ {d|, {day|night}", "__colour__")
    book.check(asked)


def test_what_is_unknown_is_told_once(book):
    prepared = book.prepare(params("__nope__ {a|b}", "${x}"), range(5))
    assert all(prompt.prompt.startswith("__nope__ ") for prompt in prepared.prompts)
    assert prepared.notices == (
        "There is no wildcard __nope__, so it stays in the prompt as it is.",
        "Nothing sets the variable ${x}, so it stays in the prompt as it is.",
    )
    many = book.prepare(params(" ".join(f"__no{n}__" for n in range(30))), [1])
    assert len(many.notices) == 11
    assert many.notices[-1] == "So do 20 others."
    assert {prompt.template for prompt in many.prompts} == {None}


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"styles": ("Foto",)}, "styles", 'no style "Foto"'),
        ({"prompt": "{a|b"}, "prompt", "never closed"),
        ({"negative_prompt": "x {a|b"}, "negative_prompt", "The { at character 3"),
        ({"prompt": "x" * (MAX_PROMPT - 5), "styles": ("Photo",)}, "styles", "longer than 20,000"),
        ({"prompt": "{" + "x" * 19_900 + "|}" + "{y|}" * 20}, "", ""),
        ({"prompt": "${a=${a}}${a}"}, "prompt", "without end"),
    ],
)
def test_what_cant_be_drawn_is_told_when_it_is_submitted(book, fields, field, sentence):
    if not field:
        book.check(params(**fields))
        return
    told = refusal(book, **fields)
    assert told[0] == field
    assert sentence in told[1]


def test_what_makes_too_much_of_it_is_told_too(book, tmp_path):
    (tmp_path / "long.txt").write_text("x" * 15_000)
    told = refusal(PromptBook(book.styles, Wildcards([tmp_path])), prompt="__long__ __long__")
    assert (told[0], "longer than 20,000" in told[1]) == ("prompt", True)


def test_where_things_lie(tmp_path):
    data, home = tmp_path / "data", tmp_path / "a1111"
    texts = {
        home / "styles.csv": "name,prompt\nTheirs,t\n",
        home / "extensions/sd-dynamic-prompts/wildcards/a.txt": "a",
        home / "extensions/stable-diffusion-webui-wildcards/wildcards/b.txt": "b",
        data / "wildcards/c.txt": "c",
        data / "styles.csv": "name,prompt\nMine,m\n",
        tmp_path / "w/d.txt": "d",
        tmp_path / "more.csv": "name,prompt\nMore,m\n",
    }
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    book = open_book(Config(data_dir=data, a1111_home=home))
    assert [style.name for style in book.styles.listed()] == ["Mine", "Theirs"]
    assert book.wildcards.names() == ["a", "b", "c"]
    assert tag_folders(Config(data_dir=data, a1111_home=home)) == [
        data / "tags",
        home / "extensions" / "a1111-sd-webui-tagcomplete" / "tags",
    ]
    alone = open_book(Config(data_dir=data))
    assert [style.name for style in alone.styles.listed()] == ["Mine"]
    assert alone.wildcards.names() == ["c"]
    config = Config(data_dir=data, styles_files=(tmp_path / "m*.csv",), wildcards_dir=tmp_path / "w")
    assert [style.name for style in open_book(config).styles.listed()] == ["More"]
    assert open_book(config).wildcards.names() == ["d"]


HIRES = {"enable_hr": True, "hr_prompt": "a __colour__ dog", "hr_negative_prompt": "cat"}
DETAILER = {"detailer": "Color", "detailer_prompt": "{x|y} [SEP] z", "detailer_negative_prompt": "w"}


def test_the_second_pass_has_its_styles_and_wildcards_too(book):
    [prompt] = book.prepare(params("a __colour__ cat", "dog", styles=("Photo",), **HIRES), [7]).prompts
    colour = prompt.prompt.split()[3]
    assert colour in ("red", "green", "blue")
    assert prompt.hires == f"photo of a {colour} dog"
    assert prompt.hires_negative == "cat, painting"
    assert (prompt.second.prompt, prompt.second.negative) == (prompt.hires, prompt.hires_negative)


def test_where_nothing_is_said_of_the_second_pass_it_is_told_the_same(book):
    [prompt] = book.prepare(params("a cat", "dog", styles=("Photo",), enable_hr=True), [7]).prompts
    assert (prompt.hires, prompt.hires_negative) == ("", "")
    assert (prompt.second.prompt, prompt.second.negative) == ("photo of a cat", "dog, painting")


def test_details_have_their_wildcards_and_no_styles(book):
    [prompt] = book.prepare(params("a cat", styles=("Photo",), **DETAILER), [7]).prompts
    assert prompt.detail in ("x [SEP] z", "y [SEP] z")
    assert prompt.detail_negative == "w"


def test_prompts_that_are_not_used_are_not_read(book):
    unused = {"hr_prompt": "{a|b", "detailer_prompt": "{a|b"}
    assert book.prepare(params("a cat", **unused), [7]).prompts == ()
    assert refusal(book, **{**HIRES, "hr_negative_prompt": "{a|b"})[0] == "hr_negative_prompt"
    assert refusal(book, **{**DETAILER, "detailer_prompt": "{a|b"})[0] == "detailer_prompt"


def test_prompts_by_the_names_of_their_fields():
    asked = params("a", "b", enable_hr=True, hr_prompt="c", hr_negative_prompt="d", **DETAILER)
    said = PicturePrompt.of(texts_of(asked))
    assert said.texts == {name: getattr(asked, name) for name in said.texts}
    assert (said.hires, said.detail_negative) == ("c", "w")
    assert PicturePrompt.of(texts_of(asked.changed(enable_hr=False))).hires == ""


def test_each_region_chooses_for_itself_and_has_no_styles(book):
    regions = tuple(Region(prompt=text) for text in ("a __colour__ cat", "a __colour__ cat", "dog"))
    prompts = book.prepare(params("owl", styles=("Photo",), regions=regions), range(30)).prompts
    assert {prompt.prompt for prompt in prompts} == {"photo of owl"}
    assert {prompt.regions[2] for prompt in prompts} == {"dog"}
    pairs = {prompt.regions[:2] for prompt in prompts}
    assert {first for first, _ in pairs} == {f"a {colour} cat" for colour in ("red", "green", "blue")}
    assert any(first != second for first, second in pairs)


def test_regions_stay_as_they_are_without_wildcards(book):
    asked = params("owl", regions=(Region(prompt="cat"),), styles=("Photo",))
    [prompt] = book.prepare(asked, [1]).prompts
    assert prompt.regions == ("cat",)
    assert book.prepare(asked.changed(styles=()), [1]).prompts == ()
    assert PicturePrompt.asked(asked).regions == ("cat",)


def test_a_regions_broken_template_is_refused_by_its_field(book):
    assert refusal(book, regions=(Region(prompt="{a|b"),))[0] == "regions"
