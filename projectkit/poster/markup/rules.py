"""The Markdown that is understood: CommonMark with tables, directives, formulas, footnotes, citations and roles; and comments, dropped."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

_ANYWHERE: RuleOptionsType = {
    "alt": ["paragraph", "reference", "blockquote", "list"]
}  # may end a paragraph without an empty line
_FOOTNOTE = re.compile(r"\[\^([^\s\]]{1,80})\]")
_CITATION = re.compile(r"\[(@[^\]\n]{1,500})\](?![(\[])")


@functools.cache
def parser() -> MarkdownIt:
    """The parser; its tokens beside those of markdown-it: `math_inline`, `math_block`, `footnote_ref`, `cite`, `myst_role`."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.attrs import attrs_plugin
    from mdit_py_plugins.colon_fence import colon_fence_plugin
    from mdit_py_plugins.footnote.index import footnote_def
    from mdit_py_plugins.myst_role import myst_role_plugin

    found = MarkdownIt("commonmark", {"html": False, "typographer": True, "maxNesting": 100})
    found.enable(["table", "strikethrough", "smartquotes"])
    # what no link may say is an error with its line later on, not text
    found.validateLink = lambda url: True  # type: ignore[method-assign]
    found.use(colon_fence_plugin).use(attrs_plugin, after=("image",)).use(myst_role_plugin)
    found.block.ruler.before("paragraph", "comment", _comment, _ANYWHERE)
    found.block.ruler.before("fence", "math_block", _math_block, _ANYWHERE)
    found.block.ruler.before("reference", "footnote_def", footnote_def, {"alt": ["paragraph", "reference"]})
    found.inline.ruler.before("escape", "math_inline", _math_inline)
    found.inline.ruler.before("link", "footnote_ref", _footnote)
    found.inline.ruler.before("link", "cite", _cite)
    return found


def _comment(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A block that is one HTML comment, `<!-- ... -->`: passed over."""
    start = state.bMarks[start_line] + state.tShift[start_line]
    if not state.src.startswith("<!--", start):
        return False
    ends = state.env.get(
        "ends of comments"
    )  # looked for once a text: ten thousand beginnings must not each look through it
    if ends is None:
        ends = _ends_of_comments(state)
    at = bisect_left(ends, start_line)
    if at == len(ends) or ends[at] >= end_line:
        return False
    if not silent:
        state.line = ends[at] + 1
    return True


def _ends_of_comments(state: StateBlock) -> list[int]:
    lines = zip(state.bMarks, state.eMarks, strict=True)
    ends = [number for number, (low, high) in enumerate(lines) if state.src[low:high].rstrip().endswith("-->")]
    state.env["ends of comments"] = ends
    return ends


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A block between lines that start and end with two dollar signs; a line of two dollar signs that is never answered is an error."""

    def written(line: int) -> str:
        return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()

    first = written(start_line)
    if not first.startswith("$$") or first.startswith("$$$") or state.is_code_block(start_line):
        return False
    last, rest = start_line, first[2:]
    lines = [rest]
    if not (rest.endswith("$$") and rest.strip("$")):
        for last in range(start_line + 1, end_line):
            if not written(last) or state.sCount[last] < state.blkIndent:
                break
            lines.append(written(last))
            if lines[-1].endswith("$$"):
                break
    closed = lines[-1].endswith("$$") and lines != [""] and len("".join(lines)) > 1
    if not closed and rest:
        return False  # a sentence about money
    if silent:
        return True
    token = state.push("math_block", "math", 0)
    token.content = "\n".join(lines).removesuffix("$$") if closed else ""
    token.info = "" if closed else "open"
    token.map = [start_line, last + 1]
    state.line = last + 1
    return True


def _math_inline(state: StateInline, silent: bool) -> bool:
    """A formula between dollar signs: no space inside of them, no digit behind the second, so that sums of money stay text."""
    source, start = state.src, state.pos
    if source[start] != "$":
        return False
    run = len(source[start : start + 3]) - len(source[start : start + 3].lstrip("$"))
    if run > 1:
        end = source.find("$$", start + 2)
        double = run == 2 and end > start + 2 and not source[start + 2].isspace() and not source[end - 1].isspace()
        if double and not silent:
            state.push("math_inline_double", "math", 0).content = source[start + 2 : end]
        elif not double and not silent:
            state.pending += "$" * run
        state.pos = end + 2 if double else start + run
        return True
    if start and source[start - 1].isdigit():
        return False
    end = source.find("$", start + 1)
    while end > 0 and source[end - 1] == "\\":
        end = source.find("$", end + 1)
    if (
        end <= start + 1
        or source[start + 1].isspace()
        or source[end - 1].isspace()
        or source[end + 1 : end + 2].isdigit()
    ):
        return False
    if not silent:
        state.push("math_inline", "math", 0).content = source[start + 1 : end]
    state.pos = end + 1
    return True


def _footnote(state: StateInline, silent: bool) -> bool:
    """`[^label]`."""
    return _matched(state, silent, _FOOTNOTE, "footnote_ref")


def _cite(state: StateInline, silent: bool) -> bool:
    """`[@key; @other]`."""
    return _matched(state, silent, _CITATION, "cite")


def _matched(state: StateInline, silent: bool, pattern: re.Pattern[str], name: str) -> bool:
    match = pattern.match(state.src, state.pos) if state.src[state.pos] == "[" else None
    if match is None:
        return False
    if not silent:
        state.push(name, "", 0).content = match[1]
    state.pos = match.end()
    return True
