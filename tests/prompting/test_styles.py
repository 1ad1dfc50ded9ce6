"""Styles: A1111's rules for putting them in, its files, and what happens to those when they change."""

import csv
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.params import MAX_PROMPT, InvalidParamsError
from webui.prompting import styles_file
from webui.prompting.styles import Style, apply, extract, put_in
from webui.prompting.styles_file import StylesFileError
from webui.prompting.styles_store import StyleStore, StyleTakenError, UnknownStyleError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "data" / "styles.csv"


@pytest.fixture
def store(file):
    return StyleStore([file])


def put(file, text, encoding="utf-8"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode(encoding))
    return file


def names(store):
    return [style.name for style in store.listed()]


@pytest.mark.parametrize(
    ("style", "prompt", "together"),
    [
        ("oil painting", "a cat", "a cat, oil painting"),
        ("oil painting", "", "oil painting"),
        ("", "a cat", "a cat"),
        (" oil painting ", " a cat ", "a cat, oil painting"),
        ("photo of {prompt}, 35mm", "a cat", "photo of a cat, 35mm"),
        ("photo of {prompt}, 35mm", "", "photo of , 35mm"),
        ("{prompt} and {prompt}", "cat", "cat and cat"),
        ("{other}", "cat", "cat, {other}"),
    ],
)
def test_a_style_is_put_in_as_a1111_does(style, prompt, together):
    assert put_in(style, prompt) == together


def test_styles_are_put_in_in_their_order_and_into_both_prompts():
    styles = [Style("a", "photo of {prompt}", "blurry"), Style("b", "sharp", "noise, {prompt}")]
    assert apply(styles, "a cat", "ugly") == ("photo of a cat, sharp", "noise, ugly, blurry")


def test_styles_that_would_fill_the_memory_are_refused():
    twice = Style("twice", "{prompt} {prompt}")
    with pytest.raises(InvalidParamsError, match="longer than 20,000") as caught:
        apply([twice] * 50, "a cat", "")
    assert caught.value.field == "styles"
    with pytest.raises(InvalidParamsError):
        apply([Style("long", "x" * MAX_PROMPT)], "a cat", "")


def test_the_styles_of_a_pasted_prompt_are_recognised():
    photo = Style("photo", "photo of {prompt}, 35mm", "painting")
    sharp = Style("sharp", "sharp focus", "")
    ugly = Style("ugly", "", "ugly")
    prompt, negative = apply([photo, sharp, ugly], "a cat", "dog")
    assert extract([sharp, ugly, photo], prompt, negative) == ("a cat", "dog", ("photo", "ugly", "sharp"))
    assert extract([sharp, photo], "a dog", "") == ("a dog", "", ())


def test_a_prompt_that_only_ends_like_a_style_holds_none():
    assert extract([Style("cat", "cat")], "a bobcat", "") == ("a bobcat", "", ())
    assert extract([Style("cat", "cat")], "a bob, cat", "") == ("a bob", "", ("cat",))
    assert extract([Style("cat", "cat")], "cat", "") == ("", "", ("cat",))


def test_a_style_that_changes_nothing_is_never_found():
    same = [Style("nothing"), Style("same", "{prompt}"), Style("both", " {prompt} ", "{prompt}")]
    assert extract(same, "a cat", "") == ("a cat", "", ())
    half = Style("half", "{prompt}", "bad")
    assert extract([*same, half], "a cat", "ugly, bad") == ("a cat", "ugly", ("half",))


words = st.text("ab ,{}", max_size=8)


@settings(max_examples=150)
@given(st.lists(st.tuples(words, words), max_size=4), words, words)
def test_what_was_extracted_can_be_put_in_again(texts, prompt, negative):
    styles = [Style(str(number), *pair) for number, pair in enumerate(texts)]
    known = {style.name: style for style in styles}
    prompt, negative = apply(styles, prompt, negative)
    rest, negative_rest, found = extract(styles, prompt, negative)
    again = apply([known[name] for name in found], rest, negative_rest)
    assert [text.strip() for text in again] == [prompt.strip(), negative.strip()]


def test_a1111s_file_is_read(file, store):
    put(file, '\ufeffname,prompt,negative_prompt\r\n# mine,,\r\nA,"a, ""b""\nc",bad\r\n\r\nB,b\r\n')
    assert [(s.name, s.prompt, s.negative_prompt) for s in store.listed()] == [
        ("A", 'a, "b"\nc', "bad"),
        ("B", "b", ""),
    ]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("name,text\nold,a cät\n", "utf-8"),
        ("name,prompt\nold,a cät\n", "cp1252"),
        ("name,prompt,negative_prompt,author\nold,a cät,,me\n", "utf-16"),
        ("author,negative_prompt,prompt,name\nme,,a cät,old\n", "utf-8-sig"),
        ("Name,Prompt\nold,a dog\nold,a cät\n", "utf-8"),
        ("name,prompt\n----styles.csv----,\nold,a cät\n", "utf-8"),
    ],
)
def test_older_and_other_files_are_read(file, store, content, encoding):
    put(file, content, encoding)
    assert [(s.name, s.prompt) for s in store.listed()] == [("old", "a cät")]


@pytest.mark.parametrize("content", ["", "\n", "just,words\na,b\n", "name\na\n", "\0\0", '"'])
def test_what_is_no_file_of_styles_is_left_out(file, store, content):
    put(file, content)
    assert store.listed() == []


def test_too_large_a_file_is_left_out(file, store):
    with put(file, "name,prompt\na,b\n").open("r+b") as stream:
        stream.truncate(styles_file.MAX_BYTES + 1)
    with pytest.raises(StylesFileError, match="16 MiB"):
        styles_file.read(file)
    assert store.listed() == []


def test_saving_keeps_comments_columns_and_other_rows(file, store):
    put(file, "name,prompt,negative_prompt,author\n# mine,,,\nA,a,,me\nB,b,x,you,more\nC,c\n")
    store.save("B", 'new, "b"\nline', "y")
    store.save("C", "cc", "z")
    store.save("D", "d", "")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["name", "prompt", "negative_prompt", "author"],
            ["# mine", "", "", ""],
            ["A", "a", "", "me"],
            ["B", 'new, "b"\nline', "y", "you", "more"],
            ["C", "cc", "z", ""],
            ["D", "d", "", ""],
        ]
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [path.name for path in file.parent.iterdir()] == ["styles.csv"]


def test_saving_into_an_old_file_gives_it_todays_columns(file, store):
    put(file, "name,text\nA,a\n")
    store.save("B", "b", "bad")
    assert styles_file.read(file).header == ("name", "prompt", "negative_prompt")
    assert StyleStore([file]).apply(["A", "B"], "", "") == ("a, b", "bad")


def test_a_style_is_renamed_in_its_place(store, file):
    for name in ("A", "B", "C"):
        store.save(name, name.lower(), "")
    renamed = store.save("Bee", "bee", "", was="B")
    assert (renamed.name, renamed.prompt) == ("Bee", "bee")
    assert names(StyleStore([file])) == ["A", "Bee", "C"]
    with pytest.raises(StyleTakenError, match='a style "C" already'):
        store.save("C", "", "", was="A")
    with pytest.raises(UnknownStyleError):
        store.save("E", "", "", was="D")
    assert names(store) == ["A", "Bee", "C"]


def test_deleting_takes_every_row_of_the_name(file, store):
    put(file, "name,prompt\nA,1\nB,2\nA,3\n")
    store.delete("A")
    assert names(store) == ["B"]
    with pytest.raises(UnknownStyleError):
        store.delete("A")


def test_a_file_changed_by_another_program_is_read_again(file, store):
    store.save("A", "a", "")
    put(file, "name,prompt\nA,changed\nB,b\n")
    os.utime(file, (1, 1))
    assert store.get("A").prompt == "changed"
    store.save("C", "c", "")
    assert names(store) == ["A", "B", "C"]
    file.unlink()
    assert store.listed() == []


@pytest.mark.parametrize("name", ["", "  ", "# a", "None", "a\nb", "x" * 201, "-----", "\0"])
def test_names_that_files_of_styles_cant_hold_are_refused(store, file, name):
    with pytest.raises(InvalidParamsError) as caught:
        store.save(name, "a", "")
    assert caught.value.field == "styles"
    assert not file.exists()


def test_a_style_called_none_is_none(file, store):
    put(file, "name,prompt\nNone,nothing\nnone,lower case\nA,a\n")
    assert names(store) == ["none", "A"]
    assert store.apply(["None", "A"], "x", "") == ("x, a", "")
    with pytest.raises(UnknownStyleError):
        store.delete("None")
    store.save("B", "b", "")
    assert "None,nothing" in file.read_text(encoding="utf-8-sig")


@pytest.mark.skipif(os.name == "nt", reason="links and permissions are others there")
def test_saving_keeps_links_and_permissions(tmp_path, file):
    real = put(tmp_path / "shared" / "real.csv", "name,prompt\nA,a\n")
    real.chmod(0o640)
    file.parent.mkdir()
    file.symlink_to(real)
    StyleStore([file]).save("B", "b", "")
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert names(StyleStore([real])) == ["A", "B"]


def test_an_unknown_style_is_named_with_those_that_there_are(store):
    store.save("Photo", "p", "")
    with pytest.raises(InvalidParamsError, match=r'no style "photos"\. Found: Photo\.') as caught:
        store.apply(["photos"], "", "")
    assert caught.value.field == "styles"
    assert store.apply(["photo", "None"], "a", "") == ("a, p", "")


def test_another_programs_styles_are_only_read(tmp_path, file):
    theirs = put(tmp_path / "a1111" / "styles.csv", "name,prompt\nA,theirs\nB,b\n")
    before = theirs.read_bytes()
    store = StyleStore([file], foreign=[theirs])
    for change in (lambda: store.delete("A"), lambda: store.save("C", "", "", was="A")):
        with pytest.raises(StyleTakenError, match="only reads"):
            change()
    store.save("A", "mine", "")
    assert [(s.name, s.prompt, s.editable) for s in store.listed()] == [
        ("A", "mine", True),
        ("B", "b", False),
    ]
    store.delete("A")
    assert store.get("A").prompt == "theirs"
    assert theirs.read_bytes() == before


def test_a_pattern_means_several_files(tmp_path):
    put(tmp_path / "b.csv", "name,prompt\nB,b\nA,second\n")
    put(tmp_path / "a.csv", "name,prompt\nA,first\n")
    put(tmp_path / "other.txt", "name,prompt\nX,x\n")
    store = StyleStore([tmp_path / "*.csv"])
    assert [(s.name, s.prompt) for s in store.listed()] == [("A", "first"), ("B", "b")]
    store.save("B", "changed", "")
    store.save("C", "new", "")
    assert "changed" in (tmp_path / "b.csv").read_text(encoding="utf-8-sig")
    assert names(StyleStore([tmp_path / "a.csv"])) == ["A", "C"]
    empty = StyleStore([tmp_path / "none" / "my-*.csv"])
    assert empty.save("A", "a", "").file == tmp_path / "none" / "styles.csv"


def test_a_file_that_isnt_styles_is_not_overwritten(file, store):
    put(file, "my diary\n")
    with pytest.raises(StyleTakenError, match="Move it away"):
        store.save("A", "a", "")
    assert file.read_text() == "my diary\n"


def test_where_nothing_can_be_written_all_stays(file, store):
    store.save("A", "a", "")
    file.with_name("styles.csv.part").mkdir()
    with pytest.raises(OSError, match="part"):
        store.save("A", "b", "")
    assert store.get("A").prompt == StyleStore([file]).get("A").prompt == "a"


def test_many_may_save_at_once(file, store):
    threads = [threading.Thread(target=store.save, args=(f"s{n}", "p", "")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(StyleStore([file]))) == sorted(f"s{n}" for n in range(20))


cells = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=60)
@given(st.dictionaries(st.text("abc é,\"'", min_size=1, max_size=5).map(lambda n: f"n{n}".strip()),
                       st.tuples(cells, cells), max_size=5))  # fmt: skip
def test_any_text_survives_in_the_file(tmp_path_factory, texts):
    file = tmp_path_factory.mktemp("styles") / "styles.csv"
    store = StyleStore([file])
    for name, (prompt, negative) in texts.items():
        store.save(name, prompt, negative)
    told = {s.name: (s.prompt, s.negative_prompt) for s in StyleStore([file]).listed()}
    assert told == texts
