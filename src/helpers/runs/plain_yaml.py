"""Read a YAML file as it is written: `NO`, `00700` and `1:30` are texts, not values."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from helpers.core.errors import BadInput

LARGEST, VALUES = 2_000_000, 100_000  # bytes and values of a file, aliases followed
_TAG = "tag:yaml.org,2002:"
# What a scalar without quotes is, by its whole text; every other one is text. This is
# the core of YAML 1.2, less what a reader would not take for a number or an answer.
_PLAIN = {
    "bool": r"true|false",
    "null": r"|~|null",
    "int": r"-?[1-9][0-9]{0,17}|0",
    "float": r"-?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]+)?|-?[1-9][0-9]*[eE][-+]?[0-9]+",
    "merge": r"<<",
}
_KNOWN = {_TAG + kind for kind in (*_PLAIN, "str", "map", "seq")}


class _Loader(yaml.SafeLoader):
    """PyYAML's loader without the guesses of YAML 1.1."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        None: [
            (_TAG + kind, re.compile(rf"(?:{form})\Z")) for kind, form in _PLAIN.items()
        ]
    }


def load(file: Path, *, texts: str = "") -> Any:  # noqa: ANN401
    """Read a file; under its top-level key `texts`, numbers too stay as they are written.

    Raises BadInput, the end of a sentence that begins with the file's name, where it is
    no plain YAML: a tab that indents, another encoding, a key given twice, a tag.
    """
    try:
        loader = _Loader(_text(file))
        node = loader.get_single_node()
        if node is None:
            return None
        for one in _nodes(node):
            _refuse(one)
        _refuse_endless(node)
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.value == texts:
                _keep_numbers(value)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as fault:
        raise BadInput(f"is not YAML: {_said(fault)}.") from None
    except yaml.reader.ReaderError as fault:
        raise BadInput(
            f"holds the character #x{int(fault.character):04x}, which cannot be "
            "seen; remove it."
        ) from None
    except RecursionError:
        raise BadInput("is nested too deeply; a run file has five levels.") from None


def _text(file: Path) -> str:
    """Read the text, with or without a byte-order mark."""
    content = file.read_bytes()
    if len(content) > LARGEST:
        raise BadInput(
            f"has {len(content):,} bytes; a run file has at most {LARGEST:,}."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise BadInput(
            f"is not saved as UTF-8 (line {line}); save it with the encoding UTF-8."
        ) from None


# What PyYAML says -> what to do.
_WAYS = {
    r"'\t'": "a tab; indent with spaces",
    "mapping values are not": 'a second colon; put a text with one in quotes, "a: b"',
    "expected <block end>": "it does not fit the lines before; look at the indentation",
    "expected ':'": "a colon is missing, or the line is not indented",
    "another document": "`---` begins another document; keep one",
}


def _said(fault: yaml.MarkedYAMLError) -> str:
    """Put what PyYAML found into a sentence with the line."""
    mark = fault.problem_mark or fault.context_mark
    problem = fault.problem or fault.context or "it cannot be read"
    said = next((way for part, way in _WAYS.items() if part in problem), problem)
    return f"line {mark.line + 1}: {said}" if mark else said


def _within(node: yaml.Node) -> list[yaml.Node]:
    """List what stands in a node."""
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Walk over every node once, whatever aliases point at it."""
    seen, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += _within(node)


def _refuse_endless(root: yaml.Node) -> None:
    """Refuse a file that its aliases make larger than any run file is."""
    count, waiting = 0, [root]
    while waiting:
        waiting += _within(waiting.pop())
        count += 1
        if count > VALUES:
            raise BadInput(
                f"holds more than {VALUES:,} values; write them out where an alias (*name) "
                "repeats others."
            )


def _refuse(node: yaml.Node) -> None:
    """Refuse a tag, a key that is a list, and a key given twice."""
    line, fault = node.start_mark.line + 1, ""
    kind = node.tag.removeprefix(_TAG)
    plain = not isinstance(node, yaml.ScalarNode) or re.fullmatch(
        _PLAIN.get(kind, r"(?s:.*)"), node.value
    )
    if node.tag not in _KNOWN or not plain:
        fault = f"the tag {node.tag.replace(_TAG, '!!')}; write the value without it"
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        lists = [key for key, _ in node.value if isinstance(key.value, list)]
        twice = [k for k, n in Counter(keys).items() if n > 1] if not lists else []
        if lists:
            line = lists[0].start_mark.line + 1
            fault = "a key that is a list; a key is a word before a colon"
        elif twice:
            first, line, *_ = (
                key.start_mark.line + 1
                for key, _ in node.value
                if key.value == twice[0]
            )
            fault = f"{twice[0]!r} is given twice, first in line {first}; keep one"
    elif isinstance(node, yaml.ScalarNode) and not node.value.isascii():
        try:  # JSON writes a letter such as an emoji in two halves
            node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeError:
            fault = "half a letter, written as \\ud83d or so; write the letter itself"
    if fault:
        raise BadInput(f"line {line}: {fault}.")


def _keep_numbers(root: yaml.Node) -> None:
    """Turn the numbers below a node into the texts that they are written as."""
    for node in _nodes(root):
        if node.tag in (f"{_TAG}int", f"{_TAG}float"):
            node.tag = f"{_TAG}str"
