"""Tags of networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompting.language import read
from webui.prompting.networks import Network, Placed, lift


@pytest.mark.parametrize(
    ("tag", "network"),
    [
        ("<lora:name:0.8>", Network("lora", "name", ("0.8",))),
        ("<lora:name>", Network("lora", "name")),
        ("<lora:name:0.5:0.7:4>", Network("lora", "name", ("0.5", "0.7", "4"))),
        (
            "<lora:name:1:te=0.5:unet=1:dyn=4>",
            Network("lora", "name", ("1",), (("te", "0.5"), ("unet", "1"), ("dyn", "4"))),
        ),
        ("<lyco:name:-1>", Network("lyco", "name", ("-1",))),
        ("<hypernet:some name (v1.2):.3>", Network("hypernet", "some name (v1.2)", (".3",))),
        ("<lora:a<b:1>", Network("lora", "a<b", ("1",))),
        ("<lora:v=2:1>", Network("lora", "v=2", ("1",))),
    ],
)
def test_a_tag_is_a_network_and_no_text(tag, network):
    assert lift(f"a {tag}cat") == ("a cat", [Placed(2, network)])


def test_a_tag_is_no_text_in_a_negative_prompt_either():
    (subprompt,) = read("a <lora:x:1>blur", 10, composes=False).subprompts
    (moment,) = subprompt.moments
    assert (moment.text, moment.networks) == ("a blur", (Network("lora", "x", ("1",)),))


@pytest.mark.parametrize("text", ["<3", "a < b : c > d", "<lora>", "<lora:>", "<:x>", "<lora:x", "a:b>"])
def test_what_is_no_tag_is_text(text):
    assert lift(text) == (text, [])


def test_places_are_those_in_the_text_without_tags():
    text, placed = lift("<lora:a:1>one <lora:b:1><lora:c:1>two<lora:d:1>")
    assert text == "one two"
    assert [(each.at, each.network.name) for each in placed] == [(0, "a"), (4, "b"), (4, "c"), (7, "d")]


TAG = st.sampled_from(["<lora:x:1>", "<lora:y:0.5:te=1>", "<lyco:a AND b:1>", "<hypernet:[a|b]:1>"])
SIGNS = st.sampled_from([*"[]():|\\ ab3.\n", " AND ", ":0.5]", "[a:b:3]", "[a|b]", "(c:1.2)", " BREAK "])


@given(st.lists(SIGNS | TAG, max_size=20))
def test_a_tag_never_disturbs_what_stands_around_it(parts):
    """The texts are those of the prompt without its tags, and no network is lost or made up."""
    tagged = read("".join(parts), 6).subprompts
    plain = read("".join(part for part in parts if not part.startswith("<")), 6).subprompts
    assert [subprompt.weight for subprompt in tagged] == [subprompt.weight for subprompt in plain]
    for with_tags, without in zip(tagged, plain, strict=True):
        assert by_step(with_tags) == by_step(without)
    named = {network.name for one in tagged for moment in one.moments for network in moment.networks}
    assert named <= {"x", "y", "a AND b", "[a|b]"}
    if "[" not in "".join(part for part in parts if not part.startswith("<")):
        assert named == {lift(part)[1][0].network.name for part in parts if part.startswith("<")}


def by_step(subprompt):
    steps, last = [], 0
    for moment in subprompt.moments:
        steps += [moment.text] * (moment.until - last)
        last = moment.until
    return steps
