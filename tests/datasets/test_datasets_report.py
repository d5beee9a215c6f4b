import hashlib
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from projectkit.cli import main
from projectkit.datasets import catalogue, preview
from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.datasets.report import baseline, default_path, examine, markup, write_report
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.datasets.splits import policies
from projectkit.errors import UserError, WorkError

HOSTILE = (
    "<script>alert(1)</script>",
    "</title><h1>taken over</h1>",
    '"><img src=x onerror=alert(1)>',
    "https://paypal.example.evil/login?a=1&b=2",
    "javascript:alert(1)",
    "\u202egnp.exe \x1b[2J",
    "שלום עולם 👍 &amp;",
)
INVISIBLE = {"meta", "link", "img", "br", "hr"}


class Page(HTMLParser):
    """The tags, attributes and text of a page; unbalanced tags are noted."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.content, self.open, self.unbalanced = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in INVISIBLE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.content.append(data)

    @property
    def text(self):
        return "".join(self.content)


@pytest.fixture
def known(monkeypatch):
    """A function that makes the catalogue know samples under the name `made`."""

    def add(samples, modality, *, kind="binary", names=("a", "b"), about="drawn", **facts):
        card = Card(
            name="made",
            title=facts.pop("title", "Made"),
            description=facts.pop("description", "Rows."),
            modality=modality,
            targets={"label": Target(kind, names, split="stratified")},
            default_target="label",
            licence="CC0-1.0",
            redistributable=True,
            citation="none",
            read=lambda _files: samples,
            splits={"stratified": SplitPolicy("stratified", facts.pop("arguments", {}), about)},
            **facts,
        )
        monkeypatch.setattr(catalogue, "_NAMES", (*catalogue._NAMES, "made"))
        monkeypatch.setitem(sys.modules, "projectkit.datasets.cards.made", SimpleNamespace(CARD=card))
        return card

    return add


def _samples(x, labels=None, **columns):
    n = len(x)
    y = np.arange(n, dtype=np.int64) % 2 if labels is None else np.asarray(labels, dtype=np.int64)
    return Samples(id=np.array([f"row-{number:04d}" for number in range(n)]), x=x, y={"label": y}, **columns)


def _page(path):
    write_report("made", path)
    return Page(path.read_text(encoding="utf-8"))


def test_hostile_samples_and_cards_cannot_become_markup_or_links(known, tmp_path):
    texts = [f"{HOSTILE[number % len(HOSTILE)]} {number}" for number in range(60)]
    samples = _samples(Texts.of(texts), group=np.array([f"{text[:8]}" for text in texts]))
    known(
        samples,
        "text",
        names=HOSTILE[:2],
        title=HOSTILE[1],
        description=HOSTILE[2],
        about=HOSTILE[0],
        traps=HOSTILE,
        safety=HOSTILE[3],
    )
    page = _page(tmp_path / "page.html")
    assert not page.unbalanced
    assert not page.open
    assert page.tags.count("h1") == 1
    assert not {"script", "iframe", "object", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert all(value.startswith("data:image/svg+xml;base64,") for _, name, value in page.attributes if name == "src")
    assert HOSTILE[0] in page.text
    assert "hxxps://paypal.example.evil" in page.text
    assert "https://" not in page.text
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text
    assert "שלום עולם 👍 &amp;" in page.text


def test_a_page_needs_nothing_beside_it_and_says_what_it_shows_without_its_pictures(tmp_path):
    path = tmp_path / "page.html"
    write_report("digits", path)
    page = Page(path.read_text(encoding="utf-8"))
    assert ("html", "lang", "en") in page.attributes
    assert any(name == "content" and "default-src 'none'" in value for _, name, value in page.attributes)
    images = [(name, value) for tag, name, value in page.attributes if tag == "img"]
    assert sum(name == "alt" and bool(value) for name, value in images) == page.tags.count("img") > 0
    assert page.tags.count("caption") == page.tags.count("table") > 0
    anchors = {value for _, name, value in page.attributes if name == "id"}
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= anchors


@pytest.mark.parametrize("name", ["synthetic_text", "synthetic_tabular", "synthetic_images"])
def test_every_form_of_data_has_a_page(name, tmp_path):
    path = tmp_path / "new" / "page.html"
    assert write_report(name, path) == path
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.unbalanced
    assert "A plain model's score" in page.text


def test_tokens_series_and_few_rows_have_a_page_too(known, tmp_path):
    rng = np.random.default_rng(0)
    tokens = Tokens(rng.integers(0, 5, 400), np.arange(0, 401, 10, dtype=np.int64), tuple("abcde"))
    known(_samples(tokens), "tokens")
    assert not _page(tmp_path / "tokens.html").unbalanced
    known(_samples(rng.normal(size=(40, 2, 30)).astype(np.float32)), "series")
    assert not _page(tmp_path / "series.html").unbalanced


def test_withheld_test_labels_are_neither_scored_nor_counted(known):
    samples = _samples(Texts.of([f"text {number}" for number in range(40)]))
    card = known(samples, "text")
    tested = catalogue.split("made", samples=samples).subsets["test"]
    labels = samples.y["label"].copy()
    labels[tested] = WITHHELD
    assert (
        baseline.score(
            _samples(samples.x, labels), labels, catalogue.split("made", samples=samples).subsets, card.targets["label"]
        )
        is None
    )
    assert examine.withheld_labels(_samples(samples.x, labels)) == {"label": len(tested)}
    split = catalogue.split("made", samples=samples)
    counts = preview.class_counts(labels, card.targets["label"].class_names, split)
    assert all(list(each) == ["train", "val"] for each in counts.values())  # nothing is said about test, not even 0


def test_copies_and_contradictions_are_counted_by_cluster():
    first = np.array([0, 0, 2, 3, 3, 3, 6], dtype=np.int64)
    found = examine.count_copies(first, np.array([0, 1, 0, 1, 1, 1, WITHHELD], dtype=np.int64))
    assert (found.rows, found.largest, found.conflicts, found.conflicting_rows) == (3, 3, 1, 2)
    assert found.example == 0  # the contradiction, though another cluster is larger


def test_overlap_counts_rows_whose_copy_or_group_stands_in_the_earlier_subset():
    subsets = {"train": np.array([0, 1]), "val": np.array([2]), "test": np.array([3, 4])}
    equal = np.array([0, 1, 2, 0, 4], dtype=np.int64)
    near = np.array([0, 1, 2, 0, 1], dtype=np.int64)
    groups = np.array(["g", "h", "g", "i", "j"])
    by_pair = {(each.earlier, each.later): each for each in examine.overlaps(subsets, equal, near, groups)}
    tested = by_pair["train", "test"]
    assert (tested.equal, tested.near, tested.groups, tested.of) == (1, 2, 0, 2)
    assert by_pair["train", "val"].groups == 1


def test_characters_are_counted_and_not_bytes():
    assert examine.lengths(Texts.of(["abc", "", "Ünï", "👍👍"])).tolist() == [3, 0, 3, 2]


def test_the_column_that_tells_the_classes_apart_comes_first():
    rng = np.random.default_rng(0)
    labels = np.arange(200, dtype=np.int64) % 2
    numbers = np.stack([rng.normal(size=200), labels * 1e6 + rng.normal(size=200), np.ones(200)], axis=1).astype(
        np.float32
    )
    numbers[0, 1] = np.nan
    table = Table(numbers, ("noise", "tells", "same"), np.full((200, 1), "x"), ("always",))
    assert examine.telling_columns(table, labels, 2)[0] == 1
    assert 2 not in examine.telling_columns(table, labels, 3)
    assert examine.constant_columns(table) == ["same", "always"]
    assert examine.missing_values(table) == {"tells": 1}


def test_a_plain_model_scores_more_on_a_careless_split_where_copies_are_all_that_can_be_learnt():
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(60), 5)
    labels = rng.permutation(np.arange(60) % 2)[owners].astype(np.int64)  # nothing but the owner tells the class
    texts = [f"{rng.bytes(2).hex()} {hashlib.sha256(bytes([owner])).hexdigest()}" for owner in owners]
    samples = _samples(Texts.of(texts), labels, group=np.array([f"owner-{owner}" for owner in owners]))
    target = Target("binary", ("a", "b"), split="x")
    apart = policies.stratified(samples.id, labels, groups=samples.group)
    fair = baseline.score(samples, labels, apart, target).intervals["accuracy"]
    careless = baseline.score(samples, labels, policies.careless(samples.id), target).intervals["accuracy"]
    assert careless.low > fair.high


def test_an_anomaly_is_told_by_its_distance_from_the_normal_rows():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 1)) @ np.ones((1, 6)) + 0.1 * rng.normal(size=(300, 6))
    labels = (np.arange(300) % 10 == 9).astype(np.int64)
    numbers[labels == 1] = rng.normal(size=(30, 6))
    samples = _samples(
        Table(numbers.astype(np.float32), tuple("abcdef"), np.empty((300, 0), dtype=np.str_), ()), labels
    )
    target = Target("anomaly", ("normal", "attack"), split="x")
    scored = baseline.score(samples, labels, policies.careless(samples.id), target)
    assert set(scored.intervals) == {"auroc"}
    assert scored.intervals["auroc"].value > 0.9


def test_a_large_training_part_is_cut_and_the_page_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(baseline, "MOST_TRAIN", 100)
    write_report("digits", tmp_path / "page.html")
    assert "at most 100 training rows" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_markup_escapes_whatever_is_not_markup_already():
    assert markup.text('<b>"&') == "&lt;b&gt;&quot;&amp;"
    assert markup.text(markup.Html("<b>")) == "<b>"
    assert "<td>&lt;i&gt;</td>" in markup.table("t", ("a", "b"), [("x", "<i>")])


def test_the_page_goes_to_the_project_or_the_current_folder(project, tmp_path, monkeypatch):
    assert default_path("sms") == project / "reports" / "data-sms.html"
    monkeypatch.chdir(tmp_path)
    assert default_path("sms") == tmp_path / "data-sms.html"


def test_a_page_that_cannot_be_written_is_one_line_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WorkError, match="-o FILE"):
        write_report("digits", tmp_path / "file" / "page.html")


def test_the_command_writes_the_page_and_says_where(tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["data", "report", "digits", "-o", str(tmp_path / "page.html")])
    assert ended.value.code == 0
    assert capfd.readouterr().out.strip() == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").is_file()


def test_an_unknown_set_is_refused():
    with pytest.raises(UserError, match="did you mean"):
        write_report("digit", None)
