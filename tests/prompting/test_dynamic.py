"""Dynamic prompts: what is chosen, what is left alone, and that nothing goes on for ever."""

import time
from collections import Counter
from contextlib import suppress

import pytest
from dynamicprompts.generators import RandomPromptGenerator
from dynamicprompts.wildcards import WildcardManager
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webui.params import MAX_PROMPT
from webui.prompting import dynamic, dynamic_limits
from webui.prompting.dynamic import Template
from webui.prompting.dynamic_limits import Allowance, TemplateError
from webui.prompting.wildcards import Wildcards

NONE = Wildcards([])


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def wildcards(folder):
    return Wildcards([folder], look_again=0)


def fill(text, seed=7, wildcards=NONE, allowance=None):
    return dynamic.read(text).fill(seed, wildcards, allowance or Allowance())


def choices(text, wildcards=NONE, seeds=60):
    return {fill(text, seed, wildcards) for seed in range(seeds)}


ORDINARY = [
    "",
    "a cat, (masterpiece:1.2), [dog], \\(literal\\)",
    "[a:b:0.5] [a|b|c] [to:3] [from::4] a AND b :1.2 BREAK c",
    "<lora:some_name:0.8> <hypernet:x__y:1>",
    "# a comment {a|b}\n  two\tlines\r\n",
    "50% off, $5, $ { }, 100%, :{ and }:",
    "{masterpiece}, {{best quality}}",
    "漢字 éü \u2028 \x00 \\\\ \\",
    "snake_case __init__x, a__b, c__d",
    "{prompt} ${ ${1} %{ %{a} __ ____",
    "[" * 100 + "]" * 50,
    "a | b || c",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_a_prompt_in_which_nothing_varies_stays_as_it_is(text):
    assert fill(text) == text


@pytest.mark.parametrize("text", [text for text in ORDINARY if "#" not in text and not text.endswith("\\")])
def test_it_stays_so_beside_something_that_varies(text):
    assert choices(f"{{a|b}}{text}{{c|d}}") == {f"{x}{text}{y}" for x in "ab" for y in "cd"}


def test_ordinary_prompts_need_no_library():
    assert dynamic.read("(a cat:1.2), [b|c] <lora:x:1>") == Template("(a cat:1.2), [b|c] <lora:x:1>")
    assert dynamic.read("{masterpiece} __") == Template("{masterpiece} __")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {red|blue} car", {"a red car", "a blue car"}),
        ("{a|}", {"a", ""}),
        ("a {very |}big cat", {"a very big cat", "a big cat"}),
        ("{ a | b}", {"a ", "b"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{(a:1.2)|[b:c:0.3]|<lora:z:1>}", {"(a:1.2)", "[b:c:0.3]", "<lora:z:1>"}),
        ("{[a|b]|c}", {"[a|b]", "c"}),
        ("[{a|b}:{c|d}:0.5]", {f"[{x}:{y}:0.5]" for x in "ab" for y in "cd"}),
        ("{a|b}}", {"a}", "b}"}),
        ("{ {a|b}", {"{ a", "{ b"}),
        (r"\{{a|b}\}", {"{a}", "{b}"}),
        (r"{a\|b|c}", {"a|b", "c"}),
        (r"{\(a\)|b\\}", {r"\(a\)", "b\\\\"}),
        ("{a # not this\n|b}", {"a \n", "b"}),
        ("# {a|b\nc {d|e}", {"# {a|b\nc d", "# {a|b\nc e"}),
        ("{2$$a|b}", {"a,b", "b,a"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{2$$ | $$a|b}", {"a | b", "b | a"}),
        ("{1-2$$a|b}", {"a", "b", "a,b", "b,a"}),
        ("{-1$$a|b}", {"a", "b"}),
        ("{2-$$a|b}", {"a,b", "b,a"}),
        ("{0-1$$a|b}", {"", "a", "b"}),
        ("{9$$a|b}", {"a,b", "b,a"}),
        ("{0::a|b}", {"b"}),
        ("{2$$1::a|0::b|0::c}", {"a"}),
        ("{~a|b}", {"a", "b"}),
        ("{@a|b}", {"a", "b"}),
        ("${x=!{a|b}}${x}${x}", {"aa", "bb"}),
        ("${x={a|b}}${x}${x}", {"aa", "ab", "ba", "bb"}),
        ("${x:a}", {"a"}),
        ("${x=b}${x:a}", {"b"}),
        ("${x=b}${x?=a}${x}", {"a"}),
        ("%{(... :1.2)$${a|b}}", {"(a :1.2)", "(b :1.2)"}),
        ("%{a}{b|c}", {"%{a}b", "%{a}c"}),
        ("%{x$${a|b}}", {"xa", "xb"}),
        ("%{{x..|y}$$a}", {"x..a", "ya"}),
    ],
)
def test_choice(text, expected):
    assert choices(text) == expected


def test_what_was_written_is_not_logged(caplog):
    assert choices("%{secret$${a|b}} __secret__ {2$$__secret__} ${secret}")
    assert not caplog.records


def test_weights_are_kept_to():
    counts = Counter(fill("{3::a|b}", seed) for seed in range(1000))
    assert 700 < counts["a"] < 800
    counts = Counter(fill("{2$$9::a|1::b|9::c}", seed) for seed in range(500))
    assert counts["a,c"] + counts["c,a"] > 350


def test_a_seed_settles_the_prompt():
    text = "{a|b|c|d} {2$$e|f|g|h}"
    assert [fill(text, seed) for seed in range(20)] == [fill(text, seed) for seed in range(20)]
    assert len(choices(text)) > 10


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a {b|c", r"The \{ at character 3 of the prompt is never closed"),
        ("{a|{b|c}", "The { at character 1 "),
        ("{0::a|0::b}", "All weights in the { } at character 1 are 0"),
        ("{a|" * 40 + "b" + "}" * 40, "nested more than 30 deep"),
    ],
)
def test_a_broken_template_is_told_with_the_way_out(text, sentence):
    with pytest.raises(TemplateError, match=sentence):
        dynamic.read(text)


def test_wildcards_are_put_in(folder, wildcards):
    (folder / "colour.txt").write_text("red\nblue\n")
    (folder / "car.txt").write_text("a __colour__ car\n${make:plain} 100% {van|bus}\n")
    assert choices("__colour__ x __colour__", wildcards) == {f"{a} x {b}" for a in ("red", "blue")
                                                            for b in ("red", "blue")}  # fmt: skip
    assert choices("__car__", wildcards) == {
        "a red car", "a blue car", "plain 100% van", "plain 100% bus"
    }  # fmt: skip
    assert choices("__car(make=fast)__", wildcards) >= {"fast 100% van", "a red car"}
    assert choices("__{colour|none}__", wildcards) == {"red", "blue", "__none__"}
    assert choices("${w=colour}__${w}__", wildcards) == {"red", "blue"}
    assert choices("{2$$ & $$__colour__}", wildcards) == {"red & blue", "blue & red"}
    assert choices("__~colour__", wildcards) == {"red", "blue"}
    assert choices("__c*r__", wildcards) > {"red", "a blue car"}


def test_what_is_unknown_stays_and_is_told():
    allowance = Allowance()
    text = "__nothing(x=1)__ ${x} {a|a} __no thing__ {2$$__none__}"
    assert fill(text, allowance=allowance) == "__nothing(x=1)__ ${x} a __no thing__ __none__"
    assert set(allowance.unknown) == {"__nothing(x=1)__", "${x}", "__no thing__", "__none__"}


def test_wildcards_without_end_are_an_error(folder, wildcards):
    (folder / "a.txt").write_text("x __b__")
    (folder / "b.txt").write_text("__a__ y")
    with pytest.raises(TemplateError, match=r"without end \(at __[ab]__\)"):
        fill("__a__", wildcards=wildcards)
    with pytest.raises(TemplateError, match="without end"):
        fill("${a=${b}}${b=${a}}${a}")


def test_patterns_that_match_too_much_are_an_error(folder):
    for number in range(40):
        (folder / f"w{number}.txt").write_text("\n".join(f"{number} {line}" for line in range(1000)))
    begin = time.process_time()
    same = " ".join(f"__w[0-9{sign}]*__" for sign in "abcdefghijklmnopqrstuvwxyz")
    assert len(fill(same, wildcards=Wildcards([folder])).split()) == 52
    others = " ".join(f"__w*[!{number}]__ __w[!{number}]*__" for number in range(10))
    with pytest.raises(TemplateError, match=r"too many texts to look through \(at __w.*__\)\. Name fewer"):
        fill(others * 3, wildcards=Wildcards([folder]))
    assert time.process_time() - begin < 4


def test_a_huge_wildcard_can_be_chosen_from(folder):
    (folder / "huge.txt").write_text("\n".join(map(str, range(300_000))))
    assert fill("__huge__ __*__", wildcards=Wildcards([folder])).replace(" ", "").isdigit()


def test_wildcards_that_double_are_an_error(folder):
    wildcards = Wildcards([folder])
    for number in range(40):
        (folder / f"w{number}.txt").write_text(f"__w{number + 1}__ __w{number + 1}__")
    with pytest.raises(TemplateError, match="without end"):
        fill("__w0__", wildcards=wildcards)
    doubling = "".join(f"${{v{n}=${{v{n + 1}}}${{v{n + 1}}}}}" for n in range(40))
    with pytest.raises(TemplateError, match="without end"):
        fill(doubling + "${v40=x}${v0}")


def test_too_long_a_result_is_an_error(folder, wildcards):
    (folder / "long.txt").write_text("x" * 9000)
    with pytest.raises(TemplateError, match="longer than 20,000"):
        fill("__long__" * 3, wildcards=wildcards)


def test_a_broken_line_of_a_wildcard_is_an_error(folder, wildcards):
    (folder / "broken.txt").write_text("{a|b")
    with pytest.raises(TemplateError, match="never closed"):
        fill("__broken__", wildcards=wildcards)


def test_an_allowance_is_for_all_pictures_of_a_job(monkeypatch):
    monkeypatch.setattr(dynamic_limits, "MAX_CHOICES_ALTOGETHER", 100)
    allowance = Allowance()
    for seed in range(50):
        fill("{a|b}", seed, NONE, allowance)
    with pytest.raises(TemplateError, match="Lower the batch count"):
        fill("{a|b}", 50, NONE, allowance)


HOSTILE = [
    "{" * 20_000, "}" * 20_000, "{|" * 10_000, "{a|b}" * 4000, "{" * 10_000 + "}" * 10_000,
    "[" * 6600 + "{" + "}" * 6600 + "]" * 6600, "_" * 20_000, "__a" * 6600, "__{" * 4000 + "}__" * 4000,
    "__a{" * 5000, "${x=" * 5000, "${x:" * 4000 + "}" * 4000, "%{" * 5000 + "$$}" * 3000, "[{|" * 6600,
    "\\" * 20_000, "{#\n" * 6600, "__{a}" * 4000, "{1$$" * 5000, "__*__" * 4000, "__" + "a" * 19_990 + "__",
    "${a=" + "x" * 9000 + "}" + "${a}" * 2500, "{999$$" + "a|" * 9000 + "b}", "__a(" * 5000,
    "{" + "1" * 19_000 + "::a|b}", "{a" + " " * 19_990 + "|b}", "${" + " " * 19_990 + "}",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:6])
def test_hostile_prompts_are_read_quickly(folder, text):
    for number in range(200):
        (folder / f"{number}.txt").write_text("x")
    begin = time.process_time()
    with suppress(TemplateError):
        assert len(fill(text[:MAX_PROMPT], wildcards=Wildcards([folder]))) <= MAX_PROMPT
    assert time.process_time() - begin < 8


@settings(max_examples=300)
@given(st.text("{}|[]_$%\\#:=!?()ab1. \n", max_size=60))
@example("{a|b}\\")
def test_any_text_is_filled_in_or_told_to_be_broken(text):
    try:
        first = fill(text)
    except TemplateError:
        return
    assert fill(text) == first


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colours")
    (folder / "colour.txt").write_text("red\ngreen\nblue\n{dark|light} grey\n")
    return folder


plain = st.text("ab ,(1.2:)<é", min_size=1, max_size=6).filter(lambda text: "::" not in text)
literal = plain.filter(lambda text: text.strip() == text and "(" not in text[:1])


def groups(inner):
    options = st.lists(
        st.lists(inner, min_size=1, max_size=2).map("".join), min_size=2, max_size=3, unique=True
    )
    bounds = st.sampled_from(["", "1$$", "1-2$$", "2$$ and $$"])
    return st.builds(lambda bound, told: f"{{{bound}{'|'.join(told)}}}", bounds, options)


templates = st.recursive(st.one_of(literal, st.just("__colour__")), groups, max_leaves=8)


@settings(max_examples=60)
@given(st.lists(templates, min_size=1, max_size=3).map("".join), st.integers(0, 2**32))
def test_a_seed_chooses_what_the_extension_for_a1111_chooses(colours, text, seed):
    [expected] = RandomPromptGenerator(WildcardManager(colours)).generate(text, 1, seeds=[seed])
    assert fill(text, seed, Wildcards([colours])) == expected
