"""The words of a poster, block by block: nothing that holds words is passed over, and no word is counted twice."""

from __future__ import annotations

from projectkit.poster.lint.passages import passages

TEXT = """# A heading with `code`

A **strong** word and $x^2$.

- one
- two
  - three

| model | idea |
|---|---|
| ours | letters |

: A caption

> A quotation
>
> -- Somebody

> [!TIP] Its title
> A call-out

::::{row}
Left

---

Right
::::
"""


def test_every_block_is_read_once_with_its_line(read, write_poster):
    found = list(passages(read(write_poster(TEXT)).found.composed.sections))
    assert [(one.kind, one.text) for one in found] == [
        ("heading", "A heading with"),
        ("paragraph", "A strong word and ."),
        ("paragraph", "one"),
        ("paragraph", "two"),
        ("paragraph", "three"),
        ("table", "model idea"),
        ("table", "ours letters"),
        ("table", "A caption"),
        ("quote", "Somebody"),
        ("paragraph", "A quotation"),
        ("callout", "Its title"),
        ("paragraph", "A call-out"),
        ("paragraph", "Left"),
        ("paragraph", "Right"),
    ]
    lines = TEXT.splitlines()
    for one in found:
        line = int(one.where.rpartition(":")[2])
        assert one.where.startswith("poster/sections/10-found.md:")
        if one.kind in ("heading", "paragraph") and len(one.text.split()) == 1:
            assert one.text in lines[line - 1]


def test_a_citation_is_remembered_and_its_sign_left_out(read, write_poster):
    folder = write_poster("# A claim\n\nOthers found more [@lovelace].\n\nWe did not.\n")
    (folder / "references.bib").write_text(
        "@article{lovelace, author={Lovelace, Ada}, title={Notes}, year={1843}}", encoding="utf-8"
    )
    _, cites, not_ = (one for one in passages(read(folder).found.composed.sections) if one.kind != "references")
    assert (cites.cites, cites.text) == (True, "Others found more .")
    assert not not_.cites
