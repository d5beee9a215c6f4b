r"""Names of symbols, operators, accents and delimiters, and the alphabets of `\mathbb` and its like.

Source: names and classes are those of LaTeX with amsmath and amssymb; characters and alphabets those of Unicode Technical Report 25.
"""

from __future__ import annotations

import unicodedata

# How a symbol is spaced; letters have the class "".
CLASSES = ("", "normal", "large", "binary", "relation", "opening", "closing", "punctuation", "fence")


def _table(text: str, kind: str) -> dict[str, tuple[str, str]]:
    words = text.split()
    return {name: (character, kind) for name, character in zip(words[::2], words[1::2], strict=True)}


_LETTERS = """
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ lambda λ mu μ nu ν
xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω
Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
ell ℓ hbar ℏ imath ı jmath ȷ Re ℜ Im ℑ wp ℘ aleph ℵ beth ℶ
"""
_NORMAL = """
infty ∞ partial ∂ nabla ∇ forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ∅ neg ¬ lnot ¬ top ⊤ bot ⊥ angle ∠ triangle △ square □
blacksquare ■ diamond ⋄ bigstar ★ star ⋆ sharp ♯ flat ♭ natural ♮ prime ′ backprime ‵ degree ° dots … ldots … cdots ⋯ vdots ⋮ ddots ⋱
dotsc … dotsb ⋯ dotsm ⋯ checkmark ✓ dagger † ddagger ‡ S § P ¶ pounds £ euro € complement ∁ surd √ backslash \\
"""
_LARGE = """
sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigvee ⋁ bigwedge ⋀ bigoplus ⨁ bigotimes ⨂ bigodot ⨀ biguplus ⨄
bigsqcup ⨆
"""
_BINARY = """
pm ± mp ∓ times × div ÷ cdot ⋅ ast ∗ circ ∘ bullet ∙ cup ∪ cap ∩ uplus ⊎ sqcup ⊔ sqcap ⊓ vee ∨ lor ∨ wedge ∧ land ∧ oplus ⊕ ominus ⊖
otimes ⊗ oslash ⊘ odot ⊙ setminus ∖ smallsetminus ∖ wr ≀ amalg ⨿ ltimes ⋉ rtimes ⋊
"""
_RELATIONS = """
le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ ll ≪ gg ≫ lll ⋘ ggg ⋙ leqslant ⩽ geqslant ⩾ lesssim ≲ gtrsim ≳ prec ≺ succ ≻ preceq ⪯ succeq ⪰
equiv ≡ sim ∼ simeq ≃ approx ≈ cong ≅ propto ∝ varpropto ∝ doteq ≐ triangleq ≜ coloneqq ≔ eqqcolon ≕ asymp ≍ in ∈ notin ∉ ni ∋
subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ supsetneq ⊋ nsubseteq ⊈ sqsubseteq ⊑ sqsupseteq ⊒ mid ∣ nmid ∤ parallel ∥
nparallel ∦ perp ⟂ vdash ⊢ dashv ⊣ models ⊨ vDash ⊨ bowtie ⋈ therefore ∴ because ∵
to → rightarrow → gets ← leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ impliedby ⟸ iff ⟺
longrightarrow ⟶ longleftarrow ⟵ longleftrightarrow ⟷ Longrightarrow ⟹ Longleftarrow ⟸ mapsto ↦ longmapsto ⟼ hookrightarrow ↪
hookleftarrow ↩ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ nearrow ↗ searrow ↘ swarrow ↙ nwarrow ↖ rightharpoonup ⇀
rightleftharpoons ⇌ leadsto ⇝ rightsquigarrow ⇝ twoheadrightarrow ↠
"""
SYMBOLS: dict[str, tuple[str, str]] = {
    **_table(_LETTERS, ""),
    **_table(_NORMAL, "normal"),
    **_table(_LARGE, "large"),
    **_table(_BINARY, "binary"),
    **_table(_RELATIONS, "relation"),
    **_table("colon :", "punctuation"),
    **_table("{ { lbrace { lbrack [ langle ⟨ lfloor ⌊ lceil ⌈ lvert | lVert ‖", "opening"),
    **_table("} } rbrace } rbrack ] rangle ⟩ rfloor ⌋ rceil ⌉ rvert | rVert ‖", "closing"),
    **_table("| ‖ Vert ‖ vert |", "fence"),
    **_table("$ $ % % & & # # _ _", "normal"),
}

# Characters that stand for themselves; letters have no class.
CHARACTERS: dict[str, tuple[str, str]] = {
    "+": ("+", "binary"),
    "-": ("−", "binary"),
    "*": ("∗", "binary"),
    "/": ("/", "normal"),
    "=": ("=", "relation"),
    "<": ("<", "relation"),
    ">": (">", "relation"),
    ":": (":", "relation"),
    ",": (",", "punctuation"),
    ";": (";", "punctuation"),
    ".": (".", "normal"),
    "!": ("!", "closing"),
    "?": ("?", "closing"),
    "(": ("(", "opening"),
    "[": ("[", "opening"),
    ")": (")", "closing"),
    "]": ("]", "closing"),
    "|": ("|", "fence"),
    "@": ("@", "normal"),
    '"': ("″", "normal"),
}

# Operators that are words; those in the second table take scripts below and above in a displayed formula.
_NAMES = """
arccos arcsin arctan arg cos cosh cot coth csc deg dim exp hom ker lg ln log sec sin sinh tan tanh erf sgn sign tr Tr diag rank var Var
cov Cov softmax sigmoid ReLU KL
"""
_NAMES_WITH_LIMITS = "argmax argmin lim liminf limsup max min sup inf det gcd Pr"
NAMES = dict.fromkeys(_NAMES.split(), False) | dict.fromkeys(_NAMES_WITH_LIMITS.split(), True)
_THIN = "\u2009"
SHOWN_NAMES = {name: name[:3] + _THIN + name[3:] for name in ("argmax", "argmin", "liminf", "limsup")}

SPACES = {
    ",": 3 / 18,
    ":": 4 / 18,
    ">": 4 / 18,
    ";": 5 / 18,
    "!": -3 / 18,
    " ": 1 / 3,
    "enspace": 0.5,
    "thinspace": 3 / 18,
    "quad": 1.0,
    "qquad": 2.0,
}

# Name -> (combining character, whether it grows with what is below it).
ACCENTS = {
    "hat": ("\u0302", False),
    "widehat": ("\u0302", True),
    "tilde": ("\u0303", False),
    "widetilde": ("\u0303", True),
    "bar": ("\u0304", False),
    "breve": ("\u0306", False),
    "dot": ("\u0307", False),
    "ddot": ("\u0308", False),
    "mathring": ("\u030a", False),
    "check": ("\u030c", False),
    "acute": ("\u0301", False),
    "grave": ("\u0300", False),
    "vec": ("\u20d7", False),
    "overrightarrow": ("\u20d7", True),
}

# What may follow \left, \middle, \right and \big; a full stop is none.
DELIMITERS = {
    **{character: character for character in "()[]|/"},
    ".": "",
    "<": "⟨",
    ">": "⟩",
    **{f"\\{name}": text for name, (text, kind) in SYMBOLS.items() if kind in ("opening", "closing", "fence")},
    **{f"\\{name}": SYMBOLS[name][0] for name in ("backslash", "uparrow", "downarrow", "updownarrow")},
}

# Command -> Unicode's name of the alphabet; empty: upright letters of the ordinary one, None: the ordinary one.
ALPHABETS: dict[str, str | None] = {
    "mathbb": "DOUBLE-STRUCK",
    "mathcal": "SCRIPT",
    "mathscr": "SCRIPT",
    "mathfrak": "FRAKTUR",
    "mathbf": "BOLD",
    "mathsf": "SANS-SERIF",
    "mathtt": "MONOSPACE",
    "mathrm": "",
    "mathit": None,
    "mathnormal": None,
    "boldsymbol": "BOLD ITALIC",
    "bm": "BOLD ITALIC",
}


_GROUPS = {
    "LATIN CAPITAL LETTER ": "CAPITAL ",
    "LATIN SMALL LETTER ": "SMALL ",
    "GREEK CAPITAL LETTER ": "CAPITAL ",
    "GREEK SMALL LETTER ": "SMALL ",
    "DIGIT ": "DIGIT ",
}
_VARIANTS = {"ϵ": "EPSILON SYMBOL", "ϑ": "THETA SYMBOL", "ϕ": "PHI SYMBOL", "ϱ": "RHO SYMBOL", "ϖ": "PI SYMBOL"} | {
    "ϰ": "KAPPA SYMBOL",
    "∇": "NABLA",
    "∂": "PARTIAL DIFFERENTIAL",
}


def in_alphabet(character: str, alphabet: str) -> str:
    """A letter or digit in one of Unicode's mathematical alphabets; unchanged where the alphabet has no such character.

    Example:
        >>> in_alphabet("R", "DOUBLE-STRUCK")
        'ℝ'
    """
    name = unicodedata.name(character, "")
    group = next((group for group in _GROUPS if name.startswith(group)), None)
    letter = _VARIANTS.get(character) if group is None else _GROUPS[group] + name.removeprefix(group)
    if letter is None:
        return character
    if group == "DIGIT ":
        alphabet = alphabet.removesuffix(" ITALIC")
    early = "BLACK-LETTER" if alphabet == "FRAKTUR" else alphabet  # some letters came into Unicode earlier, as ℝ and ℌ
    for wanted in (f"MATHEMATICAL {alphabet} {letter}", f"{early} {letter}"):
        try:
            return unicodedata.lookup(wanted)
        except KeyError:
            continue
    return character
