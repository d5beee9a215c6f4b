"""Words that the checks look for.

Languages stand side by side in one set: a German chapter's name is no claim on an English poster either.
"""

from __future__ import annotations

import re


def _set(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


# A heading made of these alone names a chapter. Acknowledgements and references are not among them: they claim nothing by right.
CHAPTERS = _set(
    # English
    "abstract analysis approach architecture background baseline baselines challenge conclusion conclusions context data dataset",
    "datasets description discussion evaluation experiment experimental experiments finding findings future goal goals idea",
    "introduction limitation limitations literature material materials method methodology methods model models motivation objective",
    "objectives outlook overview performance pipeline preprocessing problem procedure prior proposed question questions related",
    "research result results review set setup solution statement studies study summary system takeaway takeaways task theory",
    "training work",
    # German
    "ansatz architektur aufgabe ausblick auswertung daten datensatz datensätze diskussion einführung einleitung ergebnis ergebnisse",
    "experimente fazit forschungsfrage forschungsfragen fragestellung grundlagen hintergrund methode methoden methodik modell modelle",
    "motivation problemstellung resultate schlussfolgerung schlussfolgerungen stand technik überblick verwandte arbeiten versuche",
    "vorgehen ziel ziele zielsetzung zusammenfassung",
    # French
    "approche bilan conclusion contexte données discussion évaluation expérience expériences introduction jeu méthode méthodes",
    "méthodologie modèle objectif objectifs perspectives problématique problème question résultat résultats résumé synthèse",
    "travaux connexes antérieurs recherche",
    # Spanish
    "antecedentes conclusión conclusiones conjunto contexto datos discusión enfoque evaluación experimentos introducción método métodos",
    "metodología modelo motivación objetivo objetivos planteamiento pregunta problema resultado resultados resumen trabajo trabajos",
    "futuro relacionados",
    # Italian, Portuguese, Dutch
    "conclusioni dati discussione domanda esperimenti introduzione metodi metodo modello motivazione obiettivi obiettivo risultati",
    "risultato sommario valutazione dados discussão experimentos introdução metodologia modelos motivação objetivos perguntas conclusão",
    "conclusões achtergrond conclusie conclusies gegevens inleiding onderzoeksvraag resultaten samenvatting probleemstelling aanpak",
    # Swedish, Danish, Polish, Czech
    "inledning bakgrund metoder resultat slutsats slutsatser diskussion data indledning baggrund konklusion resultater wstęp dane metody",
    "wyniki wnioski podsumowanie dyskusja úvod metody výsledky závěr diskuse",
    # Russian, Ukrainian, Greek, Turkish
    "введение данные методы метод модель результаты обсуждение выводы заключение постановка задачи вступ дані результати висновки",
    "εισαγωγή δεδομένα μέθοδος μέθοδοι αποτελέσματα συμπεράσματα συζήτηση giriş veri yöntem yöntemler bulgular sonuç sonuçlar tartışma",
    # Arabic, Hebrew, Persian
    "مقدمة المقدمة البيانات المنهجية الطريقة النتائج المناقشة الخاتمة الخلاصة מבוא נתונים שיטה שיטות תוצאות דיון מסקנות",
    "סיכום مقدمه دادهها روش نتایج بحث نتیجهگیری",
    # Chinese, Japanese, Korean
    "引言 介绍 简介 背景 数据 数据集 方法 模型 实验 结果 讨论 结论 总结 はじめに 背景 目的 データ 手法 方法 モデル",
    "実験 結果 考察 結論 まとめ",
    "서론 배경 데이터 방법 모델",
    "실험 결과 논의 결론 요약",
)
# Small words that make no claim of a chapter's name: "Our data and methods".
FILLERS = _set(
    "a an and for in of on our the their this to used we",
    "das dem den der des die ein eine für in mit und unser unsere von zum zur",
    "au aux d de des du et l la le les nos notre un une",
    "del e el en las lo los nuestro nuestra nuestros nuestras o y",
    "da das di do dos e i il nosso os our het onze van en och i og oraz w и в наши και τα ve",
)

# Topics that a course may ask for -> what teams call them in the names of their files.
TOPICS = {
    "question": "question questions problem motivation introduction intro background why goal aim task frage fragestellung einleitung "
    "problemstellung pregunta problema introducción introduccion problème probleme introduzione domanda",
    "data": "data dataset datasets corpus samples daten datensatz données donnees datos dati dados gegevens",
    "method": "method methods methodology approach model models architecture how methode methoden ansatz modell modèle méthode méthodes "
    "método métodos metodo metodi modelo aanpak",
    "results": "result results finding findings found evaluation experiments ergebnis ergebnisse resultate résultat résultats resultats "
    "resultado resultados risultati resultaten",
    "takeaway": "takeaway takeaways take conclusion conclusions summary outlook discussion limits limitations lessons fazit "
    "schluss zusammenfassung ausblick conclusión conclusiones bilan conclusioni conclusie",
}

# How people call a metric -> parts of its name in an evaluation, of which one must fit.
_CALLED = {
    r"accura\w*|genauigkeit\w*|trefferquote|exactitude|exactitud|accuratezza|acurácia|exatidão|nauwkeurigheid|точность": (
        "accuracy",
    ),
    r"f1|f-1|f₁": ("f1",),
    r"auroc|auc|roc": ("auroc",),
    r"precision|präzision|précision|precisión|precisione|точность": ("precision",),
    r"recall|sensitivity|rappel|richiamo|trefferrate|полнота|tpr": ("recall", "tpr"),
    r"mcc|matthews": ("mcc",),
    r"ece|calibration error": ("ece",),
    r"rmse": ("rmse",),
    r"mae": ("mae",),
    r"specificity|fpr": (),
}
# A number in a sentence with one of these is a result.
METRICS = re.compile(rf"(?<!\w)(?:{'|'.join(_CALLED)})(?!\w)", re.IGNORECASE)
# A number behind one of these is a setting or a level of certainty, no result.
SETTINGS = re.compile(
    r"(?:dropout|rate|lr|decay|smoothing|threshold|temperature|momentum|alpha|beta|gamma|lambda|epsilon|margin|p|version|python|"
    r"torch|seed|batch|weight|lernrate|schwelle|seuil|umbral)\s*(?:of|von|de|at|was|is|=|<|>|≤|≥|:)?\s*$",
    re.IGNORECASE,
)
# Stays in a draft by accident; whole words.
LEFTOVERS = re.compile(
    r"lorem ipsum|\bTODO\b|\bFIXME\b|\bTBD\b|\bTBA\b|\bXXX+\b|\?\?\?+|"
    r"\[(?:citation needed|insert[^\]]*|your[^\]]*|todo[^\]]*)\]|<insert[^>]*>",
    re.IGNORECASE,
)
STARTER_TITLE = "Title of your project"
STARTER_NAMES = frozenset(
    {"first author", "second author", "third author", "a name", "your name", "name", "author", "n.n.", "tba", "tbd"}
)
# Says that there is a picture, not what it shows.
EMPTY_ALT = re.compile(
    r"^(?:an? |the )?(?:image|picture|figure|photo|graphic|chart|plot|graph|diagram|screenshot|logo|bild|abbildung|grafik|diagramm|"
    r"figure|imagen|figura|gráfico|immagine)(?:\s*\d+)?\.?$",
    re.IGNORECASE,
)
FILE_NAME = re.compile(
    r"^[\w .()\-/]+\.(?:png|jpe?g|svg|gif|webp|pdf)$|^(?:img|dsc|image|screenshot)[ _-]?\d+$", re.IGNORECASE
)


def metrics_in(text: str) -> set[str]:
    """Parts of the names of the metrics that a text speaks of; empty where it names none, or one that has many names."""
    asked = [parts for words, parts in _CALLED.items() if re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE)]
    return {part for parts in asked for part in parts} if all(asked) else set()


def words_of(text: str) -> list[str]:
    """The words of a text, small letters, without numbers and punctuation."""
    return [word for word in re.split(r"[\W\d_]+", text.casefold().replace("\u200c", "")) if word]
