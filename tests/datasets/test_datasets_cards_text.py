"""The cards of texts, URLs and API calls: the real files, splits that keep groups apart, and files that are not what they should be."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from projectkit.datasets import Samples, catalogue
from projectkit.datasets.cards import code_language, http_params, malware_api, phishing_eth, phishing_urls, sms_uci
from projectkit.datasets.columns import Texts, Tokens
from projectkit.datasets.copies.duplicates import masked
from projectkit.datasets.readers.domains import host_of, registered_domain
from projectkit.errors import UserError, WorkError

COUNTS = {
    "sms_uci": ("label", [4827, 747]),
    "http_params": ("attack", [19_304, 11_763]),
    "phishing_urls": ("label", [35_378, 14_858]),
    "phishing_eth": ("label", [1138, 13_752]),
    "malware_api": ("family", [101] * 8),
}
GROUPS = {
    "sms_uci": 5101,
    "http_params": 14,
    "phishing_urls": 6307,
    "phishing_eth": 13_468,
    "malware_api": 710,
    "code_language": 13_277,
}


def texts(samples: Samples) -> Texts:
    assert isinstance(samples.x, Texts)
    return samples.x


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("name", COUNTS)
def test_a_set_has_the_counts_that_its_makers_state(name: str) -> None:
    target, counts = COUNTS[name]
    assert np.bincount(catalogue.load(name).y[target]).tolist() == counts


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("name", GROUPS)
def test_a_set_has_as_many_groups_as_were_counted(name: str) -> None:
    group = catalogue.load(name).group
    assert group is not None
    assert len(np.unique(group)) == GROUPS[name]


@pytest.mark.usefixtures("real_data")
def test_quotes_in_messages_do_not_swallow_the_next_message() -> None:
    messages = list(texts(catalogue.load("sms_uci")))
    assert sum(message.startswith('"') for message in messages) == 54
    assert not any("\n" in message or "\t" in message for message in messages)


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize(
    ("policy", "kind", "count"),
    [
        ("leave_sqli_out", "sqli", 10_852),
        ("leave_xss_out", "xss", 532),
        ("leave_path_out", "path-traversal", 290),
        ("leave_cmdi_out", "cmdi", 89),
    ],
)
def test_the_attack_that_is_left_out_is_the_only_one_in_test(policy: str, kind: str, count: int) -> None:
    samples = catalogue.load("http_params")
    subsets = catalogue.split("http_params", policy, samples=samples).subsets
    assert samples.group is not None
    attacks = {
        name: Counter(samples.group[rows[samples.y["attack"][rows] == 1]].tolist()) for name, rows in subsets.items()
    }
    assert attacks["test"] == {kind: count}
    assert len(attacks["val"]) == 1
    assert len(attacks["train"]) == 2
    assert not attacks["train"].keys() & attacks["val"].keys()


@pytest.mark.usefixtures("real_data")
def test_leaving_attacks_out_is_refused_for_telling_attacks_apart() -> None:
    with pytest.raises(UserError, match="use split 'official' for target 'attack_type'"):
        catalogue.split("http_params", "leave_xss_out", target="attack_type")


@pytest.mark.usefixtures("real_data")
def test_the_published_test_half_of_http_params_stays_whole_and_has_no_near_copy_in_training() -> None:
    samples = catalogue.load("http_params")
    subsets = catalogue.split("http_params", target="attack_type", samples=samples).subsets
    assert samples.source is not None
    assert samples.copies is not None
    assert np.array_equal(subsets["test"], np.flatnonzero(samples.source == "test"))
    assert not np.isin(samples.copies[subsets["train"]], samples.copies[subsets["test"]]).any()
    assert len(subsets["train"]) + len(subsets["val"]) == 17_473  # of 20,712
    plain = np.array([masked(text) for text in texts(samples)])
    attacks = subsets["test"][samples.y["attack"][subsets["test"]] == 1]
    assert np.isin(plain[attacks], plain[subsets["train"]]).mean() == pytest.approx(0.32, abs=0.005)  # the card says so


@pytest.mark.usefixtures("real_data")
def test_what_a_drawn_kind_of_attack_leaves_is_as_little_as_the_card_warns() -> None:
    samples = catalogue.load("http_params")
    kinds = catalogue.card("http_params").targets["attack_type"].class_names
    found = {}
    for seed in range(10):
        subsets = catalogue.split("http_params", seed=seed, samples=samples).subsets
        attacks = {part: rows[samples.y["attack"][rows] == 1] for part, rows in subsets.items()}
        (tested,) = set(samples.y["attack_type"][attacks["test"]].tolist())
        found[seed] = kinds[tested], len(attacks["test"]), len(attacks["train"])
    assert found[0][:2] == ("cmdi", 89)
    assert {left for kind, _, left in found.values() if kind == "sqli"} <= {379, 621, 822}
    assert found[3][::2] == ("sqli", 379)


@pytest.mark.usefixtures("real_data")
def test_a_phishing_url_that_is_a_bare_host_is_as_frequent_as_the_card_says() -> None:
    samples = catalogue.load("phishing_urls")
    bare = np.array([urlsplit(url)[2:] in (("", "", ""), ("/", "", "")) for url in texts(samples)])
    assert np.bincount(samples.y["label"][bare], minlength=2).tolist() == [0, 1951]


@pytest.mark.usefixtures("real_data")
def test_urls_are_as_they_were_published_and_few_domains_are_of_both_classes() -> None:
    samples = catalogue.load("phishing_urls")
    urls, labels = np.array(list(texts(samples)), dtype=object), samples.y["label"]
    assert samples.group is not None
    assert not any("\r" in url or "\n" in url for url in urls)
    assert min(map(len, urls[labels == 0])) == 83
    assert sum(len(url) < 83 for url in urls[labels == 1]) == 10_306
    assert len({host_of(url) for url in urls[labels == 0]}) == 310
    both = np.intersect1d(samples.group[labels == 0], samples.group[labels == 1])
    assert both.tolist() == ["archive.org", "evernote.com", "instagram.com", "twitter.com"]


@pytest.mark.usefixtures("real_data")
def test_three_domains_are_blocked_and_let_through() -> None:
    samples = catalogue.load("phishing_eth")
    domains = np.array(list(texts(samples)))
    both = np.intersect1d(domains[samples.y["label"] == 0], domains[samples.y["label"] == 1])
    assert both.tolist() == ["coinbased.xyz", "metmask.com", "spi.club"]


@pytest.mark.usefixtures("real_data")
def test_malware_has_its_calls_and_their_names() -> None:
    samples = catalogue.load("malware_api")
    assert isinstance(samples.x, Tokens)
    assert samples.x.values.dtype == np.uint16
    lengths = np.diff(samples.x.offsets)
    assert (len(samples.x.values), lengths.min(), lengths.max()) == (15_566_181, 12, 1_485_396)
    assert [samples.x.names[call] for call in samples.x[0][:3]] == [
        "ldrloaddll",
        "ldrgetprocedureaddress",
        "ldrloaddll",
    ]
    assert samples.x.names[109] == "unnamed_109"
    assert not np.isin(samples.x.values, [109, 111]).any()


@pytest.mark.usefixtures("real_data")
def test_programs_of_one_group_make_the_same_calls() -> None:
    samples = catalogue.load("malware_api")
    assert isinstance(samples.x, Tokens)
    assert samples.group is not None
    sets = [frozenset(np.unique(samples.x[row]).tolist()) for row in range(len(samples))]
    assert len(set(zip(sets, samples.group.tolist(), strict=True))) == len(set(sets)) == 710


@pytest.mark.usefixtures("real_data")
def test_snippets_have_40_languages_and_two_owners() -> None:
    samples = catalogue.load("code_language")
    assert Counter(samples.source) == {"exercism": 16_596, "TheAlgorithms": 4558}
    counts = np.bincount(samples.y["language"])
    assert (len(counts), counts.min(), counts.max()) == (40, 168, 640)


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize(
    ("policy", "owner"), [("leave_exercism_out", "exercism"), ("leave_thealgorithms_out", "TheAlgorithms")]
)
def test_an_owner_that_is_left_out_is_met_in_test_alone_in_languages_that_both_have(policy: str, owner: str) -> None:
    samples = catalogue.load("code_language")
    subsets = catalogue.split("code_language", policy, samples=samples).subsets
    assert samples.source is not None
    assert set(samples.source[subsets["test"]]) == {owner}
    assert owner not in samples.source[np.concatenate([subsets["train"], subsets["val"]])]
    assert len(np.unique(samples.y["language"][subsets["test"]])) == 22


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://www.shop.example.co.uk/a", "example.co.uk"),
        ("HTTPS://User@Login.Example.COM:8080", "example.com"),
        ("http://a.b.example.com.br?x=http://other.org", "example.com.br"),
        ("http://one.blogspot.com.br/", "blogspot"),
        ("http://two.blogspot.com", "blogspot"),
        ("http://192.168.10.7:81/x", "192.168.10.7"),
        ("http://example.co", "example.co"),
        ("http://example.com./x", "example.com"),
        ("http://evil.example#@good.org", "evil.example"),
    ],
)
def test_the_registered_domain_is_what_somebody_registered(url: str, domain: str) -> None:
    assert registered_domain(host_of(url)) == domain


def test_the_blocklist_is_taken_out_of_the_package_as_it_is() -> None:
    members = [("package.json", b"{}"), ("src/config.json", b"the list"), ("src/index.js", b"")]
    assert phishing_eth.build({"eth-phishing-detect": lambda: iter(members)}) == b"the list"
    with pytest.raises(WorkError, match=r"no src/config\.json in the archive"):
        phishing_eth.build({"eth-phishing-detect": lambda: iter(members[:1])})


Reader = Callable[[Mapping[str, Path]], Samples]

HTTP = b'"payload","length","attack_type","label"\n"a","1","norm","norm"\n'
PHISH = b"phish_id,url\n1,http://a.example/\n"
HOSTILE: dict[str, tuple[Reader, dict[str, bytes], str]] = {
    "a message without a tab": (sms_uci.read, {"sms.tsv": b"ham\tyes\nspam"}, r"sms\.tsv:2: 1 fields"),
    "an empty file of messages": (sms_uci.read, {"sms.tsv": b""}, r"sms\.tsv:1: 1 fields"),
    "messages in another encoding": (sms_uci.read, {"sms.tsv": b"ham\t\xa3100\n"}, "not utf-8"),
    "a label that is no class": (sms_uci.read, {"sms.tsv": b"ham\ta\nspan\tb\n"}, "the label 'span' is not a class"),
    "a header without the payload": (
        http_params.read,
        {"payload_train.csv": HTTP.replace(b"payload", b"value"), "payload_test.csv": HTTP},
        r"payload_train\.csv: no column 'payload'",
    ),
    "a payload that was cut": (
        http_params.read,
        {"payload_train.csv": HTTP, "payload_test.csv": HTTP[:-12]},
        r"payload_test\.csv:2: ",
    ),
    "an unknown attack": (
        http_params.read,
        {"payload_train.csv": HTTP, "payload_test.csv": HTTP.replace(b'"norm","norm"', b'"ldap","anom"')},
        "the label 'ldap' is not a class",
    ),
    "a page instead of URLs": (
        phishing_urls.read,
        {"benign_urls.csv": b"<html>\r\n", "phishtank_2020-05-09.csv": PHISH},
        r"benign_urls\.csv: '<html>' is no URL",
    ),
    "a list without URLs": (
        phishing_urls.read,
        {"benign_urls.csv": b"http://b.example/\r\n", "phishtank_2020-05-09.csv": PHISH.replace(b"url", b"link")},
        "no column 'url'",
    ),
    "a blocklist that was cut": (phishing_eth.read, {"eth_config.json": b'{"blacklist": ["a.ex'}, "not JSON"),
    "a configuration without lists": (
        phishing_eth.read,
        {"eth_config.json": b"[]"},
        "`whitelist` is no list of domains",
    ),
    "a list of numbers": (
        phishing_eth.read,
        {"eth_config.json": b'{"whitelist": ["a.example"], "blacklist": [1]}'},
        "`blacklist` is no list of domains",
    ),
    "a snippet that was cut": (
        code_language.read,
        {"snippets.jsonl": b'{"text": "x = 1", "lang'},
        r"snippets\.jsonl:1: not JSON",
    ),
    "snippets without a language": (
        code_language.read,
        {"snippets.jsonl": b'{"text": "x = 1"}\n'},
        "no column 'language'",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_not_what_it_should_be_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    read, contents, message = HOSTILE[case]
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WorkError, match=message) as caught:
        read({name: tmp_path / name for name in contents})
    assert "\n" not in str(caught.value)


def calls_files(folder: Path, calls: bytes = b"1,0,1\n2,2\n", families: bytes = b"Trojan\nWorms\n") -> dict[str, Path]:
    """The three files of malware_api with this content."""
    for name, content in (("100_calls", calls), ("100_types", families)):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}.txt", content)
    (folder / "ApiIndex.txt").write_bytes(b"open=0\nread=1\n\nwrite=3\n")
    return {name: folder / name for name in ("100_calls.zip", "100_types.zip", "ApiIndex.txt")}


def test_calls_are_read_line_by_line_and_a_call_without_a_name_has_its_number(tmp_path: Path) -> None:
    samples = malware_api.read(calls_files(tmp_path))
    assert isinstance(samples.x, Tokens)
    assert [samples.x[row].tolist() for row in range(2)] == [[1, 0, 1], [2, 2]]
    assert samples.x.names == ("open", "read", "unnamed_2", "write")


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (b"1,0\n2,x,1\n", "line 2: not the numbers of 4 calls"),
        (b"1,0\n2,4\n", "line 2: not the numbers of 4 calls"),
        (b"1,0\n-1\n", "line 2: not the numbers of 4 calls"),
        (b"1,0\n2,\n", "line 2: not the numbers of 4 calls"),
        (b"1,0\n\n", "line 2: not the numbers of 4 calls"),
        (b"1,0\n", "1 sequences, but 2 families"),
        (b"\xff\xfe,1\n2\n", "line 1: not the numbers of 4 calls"),
    ],
)
def test_calls_that_are_no_numbers_of_calls_are_refused(calls: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(WorkError, match=message):
        malware_api.read(calls_files(tmp_path, calls))


def test_an_archive_of_calls_that_was_cut_is_refused(tmp_path: Path) -> None:
    files = calls_files(tmp_path, b"1,0\n" * 1000, b"Trojan\n" * 1000)
    whole = files["100_calls.zip"].read_bytes()
    files["100_calls.zip"].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WorkError, match=r"100_calls\.zip: not the archive of one text"):
        malware_api.read(files)


def test_an_archive_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    files = calls_files(tmp_path, b"1,0\n" * 1000, b"Trojan\n" * 1000)
    content = bytearray(files["100_calls.zip"].read_bytes())
    content[content.index(b"1,0\n1,0\n") + 100] ^= 2
    files["100_calls.zip"].write_bytes(bytes(content))
    with pytest.raises(WorkError, match=r"100_calls\.zip"):
        malware_api.read(files)
