"""The sections of the page, in order: in brief, mistakes, pairs of classes, slices, right answers, columns, how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from projectkit.datasets.report.markup import Html, bullets, facts, figure, paragraph, table, text
from projectkit.evaluation.page.content import Content, Shown
from projectkit.evaluation.page.drawing import bar
from projectkit.evaluation.page.inputs import shown_input
from projectkit.evaluation.slices import LEAST, Slice

_ROWS = 25  # of slices before the rest is folded away
_MOST_ROWS = 150
_COLUMNS = 15
_NAMED = 8  # names in a sentence
_LONGEST = 80  # characters of a name, an id or a value: those of scraped data may have a million


def introduction(content: Content) -> list[Html]:
    """What comes before the first section."""
    known = {
        "run": content.run,
        "subset": content.subset,
        "samples": f"{content.mistakes.n:,}",
        "weights": content.checkpoint.get("name", ""),
    }
    warned = [] if content.free else [_warning(content.subset)]
    return [facts(known), *warned]


def sections(content: Content) -> dict[str, Sequence[Html]]:
    """Heading -> parts."""
    regression = content.kind == "regression"
    found: dict[str, Sequence[Html]] = {
        "In brief": [bullets(_in_brief(content))],
        "Largest errors" if regression else "Most confident mistakes": _mistakes(content),
    }
    if content.mistakes.pairs:
        found["What is taken for what"] = [_pairs(content)]
    found["Slices that do worse"] = _slices(content)
    if content.right:
        found["Right answers, for comparison"] = [
            _key(content, content.right, "for the runner-up"),
            _cards(content, content.right),
        ]
    if content.columns:
        found["Columns that the network uses"] = _columns(content)
    found["How to read this page"] = [bullets(_reading(content))]
    return found


def _warning(subset: str) -> Html:
    return paragraph(
        f"These are samples of '{subset}'. Whoever changes the model because of what they see here has trained on {subset}: study the "
        "mistakes of val, and look here once, at the end. This look stands in the ledger.",
        kind="warn",
    )


def _in_brief(content: Content) -> list[str]:
    mistakes, slices = content.mistakes, content.slices
    if mistakes.total is None:
        said = [f"The mean absolute error is {slices.overall:.4g}."]
    elif not mistakes.total:
        return [f"None of the {mistakes.n:,} samples is wrong, so there is nothing to study here."]
    else:
        said = [f"{mistakes.total:,} of {mistakes.n:,} samples are wrong ({mistakes.total / mistakes.n:.1%})."]
    if mistakes.confident:
        said.append(
            f"{mistakes.confident:,} of these mistakes were made with a probability of 90% or more: look at them first, for a wrong label "
            "or a shortcut of the model."
        )
    if mistakes.threshold is not None:
        said.append(f"A score of {mistakes.threshold:.4g} and more is called an anomaly.")
    if mistakes.pairs:
        first = mistakes.pairs[0]
        true, predicted = _short(first.target), _short(first.predicted)
        said.append(
            f"The most frequent mistake: {true} taken for {predicted}, {first.count:,} times ({first.share:.1%} of {true})."
        )
    worse = [each for each in slices.rows if each.worse]
    if worse:
        names = "; ".join(f"{_name(each)} ({_value(each.value, content)})" for each in worse[:3])
        do = "does" if len(worse) == 1 else "do"
        said.append(
            f"{_count(len(worse), 'slice')} of {len(slices.rows)} {do} worse than the rest after correction. First of all: {names}."
        )
        explained = sum(each.explained for each in worse)
        if explained:
            said.append(
                f"{explained} of these {'is' if explained == 1 else 'are'} no worse than the mix of classes leads one to expect: there the "
                "classes are hard, not the slice."
            )
    elif slices.rows:
        said.append(f"None of {_count(len(slices.rows), 'slice')} does worse than the rest beyond chance.")
    return said


def _mistakes(content: Content) -> list[Html]:
    if not content.wrong:
        return [paragraph("There are none.")]
    parts = []
    if content.inputs_left_out:
        parts.append(paragraph(f"Inputs are not shown: {content.inputs_left_out}.", kind="faint"))
    parts += [_key(content, content.wrong, "for the true class"), _cards(content, content.wrong)]
    total = content.mistakes.total
    if total is not None and total > len(content.wrong):
        parts.append(
            paragraph(
                f"{len(content.wrong)} of {total:,} are shown; as long as there are others, at most a quarter is of one pair of classes, "
                "and two of one group.",
                kind="faint",
            )
        )
    return parts


def _cards(content: Content, shown: Sequence[Shown]) -> Html:
    wide = " wide" if content.modality in ("tabular", "series") else ""
    return Html(f'<ol class="cards{wide}">{"".join(_card(content, each) for each in shown)}</ol>')


def _card(content: Content, shown: Shown) -> str:
    mistake = shown.mistake
    target, predicted = _short(mistake.target), _short(mistake.predicted)
    if mistake.target == mistake.predicted:
        title = text(target)
    else:
        title = Html(f'{text(target)} <span class="arrow">taken for</span> {text(predicted)}')
    parts = [f"<h3>{title}</h3>", f'<p class="small">{text(_confidence(content, shown))}</p>']
    if shown.row is not None:
        parts.append(shown_input(content, shown.row, shown.attribution))
    if shown.attribution is not None:
        parts.append(f'<p class="faint small">{text(_method(shown))}</p>')
    elif shown.unexplained:
        parts.append(f'<p class="faint small">{text(f"No attribution: {shown.unexplained}.")}</p>')
    known = "; ".join(f"{_short(name)}: {_short(value)}" for name, value in {"id": mistake.id, **shown.known}.items())
    parts.append(f'<p class="faint small">{text(known)}</p>')
    return f'<li class="card">{"".join(parts)}</li>'


def _confidence(content: Content, shown: Shown) -> str:
    mistake = shown.mistake
    if content.kind == "regression":
        return f"off by {mistake.confidence:.4g}"
    if content.kind == "anomaly":
        return f"score {mistake.confidence:.4g}"
    right = (
        "" if mistake.truth is None or mistake.target == mistake.predicted else f", {_percent(mistake.truth)} the truth"
    )
    return f"{_percent(mistake.confidence)} sure{right}"


def _method(shown: Shown) -> str:
    found = shown.attribution
    assert found is not None
    if found.towards:
        said = f"Blue speaks for {_short(found.towards)}, orange for {_short(found.against)}. "
    else:
        said = "Blue raises the output, orange lowers it. "
    if found.method == "occlusion":
        return f"{said}Occlusion, since {found.fallback}."
    return f"{said}The sum is off by {found.error:.1%}."


def _key(content: Content, shown: Sequence[Shown], against: str) -> Html:
    if not any(each.attribution for each in shown):
        return Html("")
    classes = content.kind == "classification"
    words = ("for the class that the model gives", against) if classes else ("raises the output", "lowers it")
    return Html(
        f'<p class="key"><span class="for">{text(words[0])}</span><span class="against">{text(words[1])}</span></p>'
    )


def _pairs(content: Content) -> Html:
    rows = [
        (_short(each.target), _short(each.predicted), each.count, f"{each.share:.1%}")
        for each in content.mistakes.pairs
    ]
    return table("The most frequent mistakes", ("true", "predicted", "samples", "of the true class"), rows)


def _slices(content: Content) -> list[Html]:
    slices = content.slices
    if not slices.rows:
        return [paragraph(f"There is nothing to cut by: no column has two values with {LEAST} samples.")]
    parts = [
        paragraph(
            f"Each slice is compared with all samples outside it. {_count(slices.tests, 'comparison')} were made, and p is corrected for "
            "all of them together (Holm): at p < 0.05 a slice is marked as worse."
        )
    ]
    if content.slices_svg is not None:
        parts.append(
            figure(
                content.slices_svg, f"{slices.metric} of slices with 95% intervals; the table has the same numbers.", ""
            )
        )
    parts.append(_slice_table(content, slices.rows[:_ROWS], "Slices, those that do worse first"))
    rest = slices.rows[_ROWS:_MOST_ROWS]
    if rest:
        folded = _slice_table(content, rest, "Further slices")
        parts.append(Html(f"<details><summary>{len(rest)} more slices</summary>{folded}</details>"))
    return [*parts, *(paragraph(said, kind="faint") for said in _left_out(content))]


def _slice_table(content: Content, rows: Sequence[Slice], caption: str) -> Html:
    mix = any(each.expected is not None for each in rows)
    columns = [
        "slice",
        "samples",
        content.slices.metric,
        "95% interval",
        "the rest",
        *(["by its classes"] if mix else []),
        "p (Holm)",
    ]
    head = "".join(f'<th scope="col"{" class=number" if n else ""}>{text(name)}</th>' for n, name in enumerate(columns))
    lines = []
    for each in rows:
        cells = [
            f"{each.n:,}",
            _value(each.value, content),
            f"{_value(each.low, content)} to {_value(each.high, content)}",
        ]
        cells.append(_value(each.rest, content))
        if mix:
            cells.append("–" if each.expected is None else _value(each.expected, content))
        cells.append(_p(each.p_holm))
        body = "".join(f'<td class="number">{text(cell)}</td>' for cell in cells)
        mark = ' class="worse"' if each.worse else ""
        lines.append(f'<tr{mark}><th scope="row">{text(_name(each))}</th>{body}</tr>')
    return Html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _left_out(content: Content) -> list[str]:
    slices, said = content.slices, []
    if len(slices.rows) > _MOST_ROWS:
        said.append(f"{len(slices.rows) - _MOST_ROWS} more slices stand in evaluation/{content.subset}.json.")
    if slices.small:
        names = ", ".join(f"{_short(name)} ({count})" for name, count in list(slices.small.items())[:_NAMED])
        more = f", and of {len(slices.small) - _NAMED} more columns" if len(slices.small) > _NAMED else ""
        said.append(f"Not looked at, for they have fewer than {LEAST} samples, are values of: {names}{more}.")
    if slices.empty:
        more = " and more" if len(slices.empty) > _NAMED else ""
        said.append(f"Without any sample: {', '.join(map(_short, slices.empty[:_NAMED]))}{more}.")
    if slices.constant:
        more = f" and {len(slices.constant) - _NAMED} more" if len(slices.constant) > _NAMED else ""
        said.append(f"Nothing to tell apart by, here: {', '.join(map(_short, slices.constant[:_NAMED]))}{more}.")
    return said


def _columns(content: Content) -> list[Html]:
    ranked = sorted(content.columns.items(), key=lambda item: -item[1])
    largest = ranked[0][1] or 1.0
    rows = [(_short(name), Html(bar(value / largest)), f"{value:.3g}") for name, value in ranked[:_COLUMNS]]
    return [
        paragraph(
            f"How much each column moves the answer, up or down, on average over {content.columns_n:,} samples of {content.subset} "
            "(absolute integrated gradients against a usual training sample, in log-odds)."
            if content.kind == "classification"
            else f"How much each column moves the output, up or down, on average over {content.columns_n:,} samples of {content.subset}."
        ),
        table("Mean absolute attribution", ("column", "", "mean"), rows),
    ]


def _reading(content: Content) -> list[str]:
    said = []
    if any(each.expected is not None for each in content.slices.rows):
        said.append(
            "“By its classes” is the accuracy that a slice's mix of classes alone would lead one to expect: where it is about what the "
            "slice has, the slice is hard because of its classes and not because of what it is called."
        )
    said.append(
        "A slice is a place to look, not a cause. Samples of one group (a template, a track, a host) count for less than as many "
        "independent ones in intervals and tests."
    )
    if content.in_time:
        said.append(
            "Samples that follow one another in time are alike, and nothing says which of them: intervals and tests take them for "
            "independent, and are surer than they ought to be."
        )
    if any(each.attribution for each in (*content.wrong, *content.right)):
        said += [
            "An attribution says what the network's output depends on, measured against a plain sample: the training mean of an image or a "
            "series, padding in place of each token, the training median of a table. It does not say what ought to matter, and another "
            "network may use something else. Where all of it is orange, the plain sample already gets the model's answer, and this one "
            "speaks against it, but not enough.",
            "Integrated gradients add up to the change of the output (Sundararajan et al. 2017); how far they are off is said with each. "
            "Occlusion says how much the output changes when one part is put back, and does not add up.",
        ]
    said.append(
        "This page holds inputs of the data set. It lies in the run's folder, which git leaves alone, and `projectkit runs keep` does "
        "not copy it."
    )
    return said


def _name(each: Slice) -> str:
    return f"{_short(each.column)}: {_short(each.label)}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def _value(value: float, content: Content) -> str:
    return f"{value:.4g}" if content.kind == "regression" else _percent(value)


def _percent(share: float) -> str:
    """Never 100% or 0% of what is not all or nothing."""
    if 0.9995 <= share < 1:
        return ">99.9%"
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else "1" if value >= 0.9995 else f"{value:.3f}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
