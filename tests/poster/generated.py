"""Posters that nobody would write: made from a seed, to see that each is one page with nothing over anything else, or is refused in words.

Lengths, sheets, themes, languages and scripts, pictures of any proportion, tables, lists, code, formulas, rows,
directives, titles that attack. Every block of text ends in a mark of its own, so that a page can be asked whether all of it is there.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WORDS = {
    "en": "model domain character network learns survives dataset of the and baseline false positive rate is not enough evidence for",
    "de": "Netzwerk Merkmalsvektoren Trainingsdatensatz und die Klassifikationsgenauigkeit der nicht Überanpassung größer für Maß zwölf",
    "fr": "réseau données où l’apprentissage échoue à cause des étiquettes déjà vues œuvre naïve modèle qualité être ça",
    "vi": "mạng nơ-ron dữ liệu được huấn luyện và đánh giá kết quả tốt hơn với những mẫu khó nhất",
    "tr": "ağ öğrenir şifreli iletişim güvenlik ölçüm değişken ışık İstanbul çıktı yığın",
    "el": "δίκτυο δεδομένα εκπαίδευση και αξιολόγηση μοντέλο αποτέλεσμα χαρακτήρες του",
    "ru": "сеть данные обучение признаки и оценка модель результат распознавание в слоях",
    "ar": "الشبكة تتعلم البيانات والنموذج نتائج التقييم على مجموعة الاختبار دقة عالية",
    "he": "הרשת לומדת נתונים מודל תוצאות הערכה על קבוצת המבחן דיוק גבוה",
    "fa": "شبکه داده‌ها را یاد می‌گیرد مدل نتایج ارزیابی روی مجموعه آزمون دقت بالا",
}
TITLES = (
    "#panic(1) $x$ *a* _b_ @cite <label> \\ `code` // comment /* more */",
    "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"';--",
    "{{title}} {% for x in y %} ${HOME} %s %n \\u0041 \\x00",
    "W" * 90,
    "a-very/long_path.with:punctuation=and?more&" * 4,
    "\u202eright to left by force\u202c and back, \u200bzero\u200bwidth\u200b, soft\u00adhyphens",
    "Z̷̧̛̹̺͎̈́͑̆ă̶l̸g̵o̶ stacks its accents on top of each other",
    "A title of many words, " * 12,
    "?",
    "fi ffl ﬁ ½ ™ … – — ‘quoted’ “quoted” §¶†‡",
)
SIZES = (
    *("A0", "A1", "A2", "36x48 in", "42x36 in", "24x36 in", "icml", "icml-72", "iclr", "neurips", "cvpr", "screen"),
    *("900x1200 mm", "300x1100 mm", "1500x500 mm", "250x250 mm"),
)
THEMES = ("classic", "billboard", "contrast", "quiet")
FORMULAS = (
    r"\frac{1}{n}\sum_{i=1}^{n} \left( y_i - \hat{y}_i \right)^2",
    r"\mathcal{L}(\theta) = -\sum_{c} y_c \log p_\theta(c \mid x) + \lambda \lVert \theta \rVert_2^2",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
    r"f(x) = \begin{cases} x & \text{if } x > 0 \\ 0 & \text{else} \end{cases}",
    r"\sqrt{\frac{a_1 + b_2}{1 + \sqrt{x}}} \to \infty",
)


_DIRECTIVES = {
    "results": 'runs: {{"A long label of this": "{one}", "Other": "{other}"}}\nmetrics: [f1_macro, loss]',
    "numbers": "run: {one}\nmetrics: [f1_macro, loss]",
    "data-card": "run: {one}",
    "audit": "run: {one}",
    "ledger": "run: {one}",
    "qr": "url: https://example.org/a/page",
    "curves": 'runs: ["{one}", "{other}"]\ncaption: "{words}"',
    "figure": 'run: "{one}"\nname: confusion\ncaption: "{words}"',
    "figure stored": 'run: "{one}"\nname: roc\ncaption: "{words}"',
}


@dataclass
class Generator:
    """What a seed makes of a poster's folder.

    Args:
        seed: of everything.
        folder: is filled with `poster.yaml`, `sections/` and `figures/`.
        runs: that directives draw from.
    """

    seed: int
    folder: Path
    runs: Sequence[str]

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.language = self.chance.choice([*WORDS, "en", "en", "de"])
        self.marks: list[str] = []  # each stands once in the text
        self.size = self.chance.choice((*SIZES, "A0", "A0", "A1"))
        # From a single line to several pages, mostly about a page.
        self.length = self.chance.choice((0.05, 0.3, 0.5, 0.5, 0.8, 1.0, 2.5))

    def write(self) -> None:
        """Fill the folder."""
        (self.folder / "sections").mkdir(parents=True)
        (self.folder / "figures").mkdir()
        (self.folder / "poster.yaml").write_text(self._head(), encoding="utf-8")
        for number in range(self.chance.randint(1, 6)):
            blocks = [f"# {self._text(2, 9)}"]
            for _ in range(self.chance.randint(1, 5)):
                kind = self.chance.choices(list(_BLOCKS), [weight for weight, _ in _BLOCKS.values()])[0]
                blocks.append(_BLOCKS[kind][1](self))
            text = "\n\n".join(blocks) + "\n"
            (self.folder / "sections" / f"{number}0-part.md").write_text(text, encoding="utf-8")

    def _head(self) -> str:
        chance = self.chance
        head: dict[str, object] = {
            "title": chance.choice(TITLES) if chance.random() < 0.5 else self._text(3, 12, mark=False),
            "authors": [self._text(2, 3, mark=False) for _ in range(chance.choice((1, 2, 4, 4, 12)))],
            "size": self.size,
            "language": self.language,
            "theme": chance.choice(THEMES),
        }
        optional = {
            "subtitle": self._text(5, 20, mark=False),
            "finding": self._text(4, 14, mark=False),
            "affiliation": self._text(2, 8, mark=False),
            "course": self._text(1, 4, mark=False),
            "team": "Team 7",
            "number": "12",
            "repository": "https://example.org/team/" + "x" * chance.choice((5, 120)),
            "links": {"Code": "https://example.org/" + "y" * chance.choice((5, 90))},
            "orientation": chance.choice(("portrait", "landscape")),
            "columns": chance.randint(1, 5),
        }
        head |= {key: value for key, value in optional.items() if chance.random() < (0.15 if key == "columns" else 0.5)}
        return json.dumps(head, ensure_ascii=False)  # JSON is YAML

    def _text(self, least: int, most: int, *, mark: bool = True) -> str:
        """So many words, the last of them a mark."""
        stock = WORDS[self.language].split()
        words = [self.chance.choice(stock) for _ in range(self.chance.randint(least, most))]
        return " ".join([*words, self._mark()] if mark else words)

    def _mark(self) -> str:
        self.marks.append(f"k{len(self.marks):03d}z")
        return self.marks[-1]

    def _paragraph(self) -> str:
        words = self._text(3, max(4, int(90 * self.length))).split(" ")
        for sign in ("**", "*", "`", "~~"):
            place = self.chance.randrange(len(words))
            if self.chance.random() < 0.25 and words[place].isalpha():
                words[place] = f"{sign}{words[place]}{sign}"
        if self.chance.random() < 0.15:
            words.insert(0, self.chance.choice(("0123456789abcdef" * 5, "https://example.org/" + "a/b-c_d." * 12)))
        return " ".join(words)

    def _list(self) -> str:
        sign = self.chance.choice(("-", "1.", "7."))
        items = [f"{sign} {self._text(2, max(3, int(20 * self.length)))}" for _ in range(self.chance.randint(1, 6))]
        if self.chance.random() < 0.3:
            items.append(f"   - {self._text(2, 8)}\n   - {self._text(1, 5)}")
        lead = f"{self._text(3, 8)}:\n\n" if self.chance.random() < 0.3 else ""
        return lead + "\n".join(items)

    def _table(self) -> str:
        columns = self.chance.randint(2, 6)
        rule = "|" + "|".join(self.chance.choice((":--", ":-:", "--:", "---")) for _ in range(columns)) + "|"
        rows = [[self._text(1, 2, mark=False) for _ in range(columns)] for _ in range(self.chance.randint(2, 9))]
        rows[-1][-1] = self._mark()
        header, *rest = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([header, rule, *rest])

    def _code(self) -> str:
        lines = ["x" * self.chance.choice((5, 40, 150)) for _ in range(self.chance.randint(1, 6))]
        return "\n".join(["```python", *lines, self._mark(), "```"])

    def _quote(self) -> str:
        kind = self.chance.choice(("", "> [!NOTE]\n", "> [!IMPORTANT]\n"))
        return f"{kind}> {self._text(4, 25)}"

    def _formula(self) -> str:
        formula = self.chance.choice(FORMULAS)
        return (
            f"{self._text(2, 9)}\n\n$$\n{formula}\n$$"
            if self.chance.random() < 0.6
            else f"Of ${formula}$: {self._text(2, 9)}"
        )

    def _picture(self) -> str:
        name = f"figures/picture {len(self.marks)}"
        ratio = self.chance.choice((0.2, 0.5, 1.0, 1.4, 2.0, 6.0))
        caption = self._text(2, 12)
        width = self.chance.choice((40, 400, 1600))
        if self.chance.random() < 0.5:
            name += ".svg"
            (self.folder / name).write_text(
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width / ratio:.0f}">'
                f'<rect width="{width}" height="{width / ratio:.0f}" fill="#7a9"/></svg>',
                encoding="utf-8",
            )
        else:
            name += ".png"
            (self.folder / name).write_bytes(_png(width, round(width / ratio)))
        return f"![{caption}](<{name}>)"

    def _row(self) -> str:
        if self.chance.random() < 0.5:
            return "\n".join(self._picture() for _ in range(self.chance.randint(2, 3)))
        cells = (self._paragraph, self._list, self._directive, self._directive, self._picture)
        chosen = [self.chance.choice(cells)() for _ in range(self.chance.randint(2, 3))]
        return "\n".join(["::::{row}", "\n\n---\n\n".join(chosen), "::::"])

    def _directive(self) -> str:
        name = self.chance.choices(
            list(_DIRECTIVES), [5 if "caption" not in body else 2 for body in _DIRECTIVES.values()]
        )[0]
        body = _DIRECTIVES[name].format(one=self.runs[0], other=self.runs[-1], words=self._text(2, 9, mark=False))
        return f":::{{{name.partition(' ')[0]}}}\n{body}\n:::"

    def _heading(self) -> str:
        return f"## {self._text(2, 8)}\n\n{self._paragraph()}"


_BLOCKS: dict[str, tuple[int, Callable[[Generator], str]]] = {
    "paragraph": (8, Generator._paragraph),
    "list": (4, Generator._list),
    "table": (2, Generator._table),
    "code": (1, Generator._code),
    "quote": (2, Generator._quote),
    "formula": (2, Generator._formula),
    "picture": (3, Generator._picture),
    "row": (1, Generator._row),
    "heading": (2, Generator._heading),
    "directive": (3, Generator._directive),
}


def _png(width: int, height: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (width, height), (120, 160, 150)).save(out, "png")
    return out.getvalue()
