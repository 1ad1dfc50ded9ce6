"""docs/prompts.md names tests that there are, and every line of its tables has one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "prompts.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "| Test |" not in line]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_the_document_names_is_there(file, test):
    source = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {test or 'test_'}", source, re.MULTILINE)
    assert not test or re.search(rf"^def {test}\(", source, re.MULTILINE)


def test_every_line_names_its_test():
    assert len(ROWS) > 30
    for row in ROWS:
        assert re.search(r"\| `tests/[^`]+` \|$", row), row
