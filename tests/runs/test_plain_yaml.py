import pytest

from helpers.core.errors import BadInput
from helpers.runs import plain_yaml


@pytest.fixture
def load(tmp_path):
    def loaded(text, **texts):
        file = tmp_path / "run.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return plain_yaml.load(file, **texts)

    return loaded


AS_WRITTEN = """\
NO On yes y True TRUE No off 00700 0x1F 0o17 1_000 1:30 +5 1. .5.5 .inf .nan NULL None
1,5 5% 2024-02-30 20240101x = -00 1e5x 05.5 2001-12-14T21:59:43.10-05:00
"""


@pytest.mark.parametrize("word", AS_WRITTEN.split())
def test_what_looks_like_a_value_in_yaml_1_1_is_the_text_as_written(load, word):
    assert load(f"a: {word}\nb: [{word if ',' not in word else 'x'}]")["a"] == word


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *(("true", True), ("false", False), ("null", None), ("~", None), ("", None)),
        *(("0", 0), ("12", 12), ("-3", -3), ("0.5", 0.5), (".5", 0.5), ("-1.50", -1.5)),
        *(("1e-4", 0.0001), ("1.5E3", 1500.0), ("'12'", "12"), ('"no"', "no")),
    ],
)
def test_plain_numbers_true_false_and_nothing_are_values(load, word, value):
    read = load(f"a: {word}")["a"]
    assert read == value
    assert type(read) is type(value)


def test_numbers_below_a_key_of_texts_stay_as_written(load):
    text = "tables: {a: [00700, 12, 12.50, 1e3], b: true, 7: ~}\nother: [12.50]"
    assert load(text, texts="tables") == {
        "tables": {"a": ["00700", "12", "12.50", "1e3"], "b": True, "7": None},
        "other": [12.5],
    }


def test_anchors_and_merges_work_and_what_merges_may_be_set_anew(load):
    text = "a: &days {first: x, last: y}\nb: &more {<<: *days, last: z}\nc: {<<: *more}"
    assert load(text)["c"] == {"first": "x", "last": "z"}
    with pytest.raises(BadInput, match="holds more than 100,000 values"):
        load("a: &a {<<: *a, b: 1}")


def test_a_mark_of_bytes_at_the_beginning_is_passed_over(load):
    assert load(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_an_empty_file_holds_nothing(load):
    assert load("") is None
    assert load("# a comment\n") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3", "line 5: 'c' is given twice, first in li"),
        ("a: [{b: 1, b: 2}]", "line 1: 'b' is given twice"),
        ("1: a\n'1': b", "line 2: '1' is given twice"),
        ("a:\n\tb: 1", "line 2: a tab; indent with spaces."),
        ("a: !mine b", "line 1: the tag !mine; write the value without it."),
        ("a: !!python/name:os.system", "the tag !!python/name:os.system; write"),
        ("a: !!int b", "line 1: the tag !!int; write"),
        ("? [a]\n: b", "line 1: a key that is a list"),
        ("? {a: b}\n: c", "line 1: a key that is a list"),
        ("a: b: c", "line 1: a second colon"),
        ("a: 1\n  b: 2", "is not YAML: line 2"),
        ("a:\n- b\nc", "line 3: a colon is missing, or the line is not"),
        ("a: *b", "line 1: found undefined alias 'b'."),
        ("a: {<<: 5}", "line 1: expected a mapping"),
        ("a: <<", "is not YAML: line 1"),
        ("a: 1\n---\nb: 1", "line 2: `---` begins another document; keep one."),
        ("a: " + 5000 * "[", "is nested too deeply"),
        ("a: " + 900 * "[" + 900 * "]", "is nested too deeply"),
        ("a: \x07", "holds the character #x0007"),
        ("a: 1\nb: ä".encode("latin-1"), "is not saved as UTF-8 (line 2); save it"),
        ("a: 1".encode("utf-16"), "is not saved as UTF-8 (line 1); save it"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_one_sentence(load, text, said):
    with pytest.raises(BadInput) as refused:
        load(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
