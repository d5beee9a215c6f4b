"""One sample on the page, by the form of its data, with what the output depends on where that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets import Table, Texts, Tokens
from projectkit.datasets.report.markup import Html, sample, text
from projectkit.evaluation.attribution import Attribution
from projectkit.evaluation.page.content import Content
from projectkit.evaluation.page.drawing import bar, heat_map, line, picture

_CHARACTERS = 700  # of a text
_TOKENS = 150  # of a sequence
_COLUMNS = 8  # of a table
_CELL = 40  # characters of a category
_CHANNELS = 3  # of a series
_STRONGEST = 0.6  # of a token's colour: ink on it keeps a contrast of 4.5
_MARKED = 0.3  # of the largest attribution: from there on a token is underlined, for grey print


def shown_input(content: Content, row: int, attribution: Attribution | None) -> Html:
    """A sample's input."""
    assert content.samples is not None
    x = content.samples.x
    if isinstance(x, Texts):
        return _sequence(attribution, x[row], " " if attribution and _spaced(attribution) else "")
    if isinstance(x, Tokens):
        words = [x.names[token] for token in x[row][:_TOKENS]]
        return _sequence(attribution, " ".join(words), " ", more=len(x[row]) - len(words), unit="tokens")
    if isinstance(x, Table):
        return _table(content, x, row, attribution)
    values: Any = np.asarray(x[row])
    if values.ndim == 3:
        return _image(values, attribution)
    return _series(values, attribution)


def _sequence(
    attribution: Attribution | None, whole: str, gap: str, *, more: int = 0, unit: str = "characters"
) -> Html:
    if attribution is None:
        cut = whole[:_CHARACTERS]
        left_out = more or len(whole) - len(cut)
        return Html(f'<p class="text">{sample(cut)}{_more(left_out, unit)}</p>')
    names, values = attribution.names, attribution.values.astype(np.float64)
    most = _TOKENS if gap else _CHARACTERS
    largest = float(np.abs(values).max()) or 1.0
    spans = [_span(name, value / largest) for name, value in zip(names[:most], values[:most].tolist(), strict=True)]
    left_out = len(names) - len(spans)
    tail = ""
    if left_out:
        share = np.abs(values[most:]).sum() / (np.abs(values).sum() or 1.0)
        tail = f'<span class="faint"> … {left_out:,} more parts, with {share:.0%} of the attribution</span>'
    return Html(f'<p class="text"><bdi>{gap.join(spans)}</bdi>{tail}</p>')


def _span(name: str, share: float) -> str:
    shown = text(name)
    if abs(share) < 0.02:
        return shown
    kind = "for" if share > 0 else "against"
    marked = " marked" if abs(share) >= _MARKED else ""
    return f'<span class="{kind}{marked}" style="--a:{_STRONGEST * abs(share):.2f}">{shown}</span>'


def _spaced(attribution: Attribution) -> bool:
    """Whether the parts are words without their spaces."""
    return not any(part[:1].isspace() or part[-1:].isspace() for part in attribution.names) and any(
        len(part) > 1 for part in attribution.names
    )


def _more(count: int, unit: str) -> str:
    return f'<span class="faint"> … {count:,} more {unit}</span>' if count > 0 else ""


def _image(values: NDArray[Any], attribution: Attribution | None) -> Html:
    image = values.astype(np.uint8)
    parts = [picture(image, "the sample")]
    if attribution is not None:
        parts.append(heat_map(image, attribution.values, f"what speaks for {attribution.towards or 'the score'}"))
    return Html(f'<div class="pictures">{"".join(parts)}</div>')


def _series(values: NDArray[Any], attribution: Attribution | None) -> Html:
    drawn = [
        line(values[channel], None if attribution is None else attribution.values[channel], f"channel {channel + 1}")
        for channel in range(min(_CHANNELS, len(values)))
    ]
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    said = f"{values.shape[1]:,} points, {low:.3g} to {high:.3g}"
    rest = f"; {len(values) - _CHANNELS} more channels" if len(values) > _CHANNELS else ""
    return Html(f'{"".join(drawn)}<p class="faint small">{text(said + rest)}</p>')


def _table(content: Content, x: Table, row: int, attribution: Attribution | None) -> Html:
    """The columns that matter most: by attribution, else by how unusual their values are."""
    names = (*x.numeric_names, *x.categorical_names)
    unusual = _unusual(content, x, row)
    weight = np.abs(attribution.values) if attribution is not None else unusual
    largest = float(weight.max()) if len(weight) else 0.0
    lines = []
    for column in np.argsort(-weight, kind="stable")[:_COLUMNS].tolist():
        if weight[column] <= 0:
            break
        own, usual = (_cell(table, at, column) for table, at in ((x, row), (content.typical, 0)))
        drawn = "" if attribution is None else f"<td>{bar(float(attribution.values[column]) / (largest or 1.0))}</td>"
        number = "" if attribution is None else f'<td class="number">{attribution.values[column]:+.2f}</td>'
        lines.append(
            f'<tr><th scope="row">{_breakable(names[column])}</th><td class="number">{text(own)}</td>'
            f'<td class="number usual">{text(usual)}</td>{drawn}{number}</tr>'
        )
    heads = ["column", "this sample", "usual in train", *([] if attribution is None else ["attribution", ""])]
    head = "".join(
        f'<th scope="col"{" class=number" if n in (1, 2) else ""}>{text(name)}</th>' for n, name in enumerate(heads)
    )
    rest = len(names) - len(lines)
    said = f'<p class="faint small">{rest} more columns, which {"matter" if attribution is not None else "differ"} less.</p>'
    return Html(
        f'<div class="scroll"><table class="row"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
        f"{said if rest else ''}"
    )


def _breakable(name: str) -> Html:
    """A name that may go on in the next line behind each underscore."""
    return Html(text(name).replace("_", "_<wbr>"))


def _unusual(content: Content, x: Table, row: int) -> NDArray[np.float64]:
    """How far each column is from its usual value: in deviations; a category that is not the usual one as much as two."""
    distance = np.abs(x.numeric[row].astype(np.float64) - content.typical.numeric[0]) / content.spread
    differs = (x.categorical[row] != content.typical.categorical[0]) * 2.0
    return np.concatenate([np.nan_to_num(distance, nan=2.0, posinf=1e6), differs])


def _cell(table: Table, row: int, column: int) -> str:
    numbers = len(table.numeric_names)
    if column < numbers:
        value = float(table.numeric[row, column])
        return "missing" if np.isnan(value) else f"{value:.5g}"
    name = str(table.categorical[row, column - numbers])
    return (name if len(name) <= _CELL else f"{name[:_CELL]}…") or "missing"
