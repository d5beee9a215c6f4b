"""Every picture, in one look: arrays in, matplotlib figures out.

Each function takes the size in print (`size_mm`) and the type size (`font_pt`), so that a poster draws a figure anew
at its final size instead of scaling it.

| file | subject |
|---|---|
| style.py, fonts.py, labels.py | colours, type, names that fit, `svg_bytes` and `save_svg` |
| curves.py | `learning_curves` |
| confusion.py | `confusion_matrix` |
| ranking.py | `roc`, `precision_recall`, `det` |
| samples.py | what a data set looks like: `class_balance`, `histograms`, `image_sheet`, `series` |
"""

from __future__ import annotations

from projectkit.figures.confusion import confusion_matrix as confusion_matrix
from projectkit.figures.curves import learning_curves as learning_curves
from projectkit.figures.ranking import det as det
from projectkit.figures.ranking import precision_recall as precision_recall
from projectkit.figures.ranking import roc as roc
from projectkit.figures.samples import class_balance as class_balance
from projectkit.figures.samples import histograms as histograms
from projectkit.figures.samples import image_sheet as image_sheet
from projectkit.figures.samples import series as series
from projectkit.figures.style import save_svg as save_svg
from projectkit.figures.style import style as style
from projectkit.figures.style import svg_bytes as svg_bytes

__all__ = [
    "class_balance",
    "confusion_matrix",
    "det",
    "histograms",
    "image_sheet",
    "learning_curves",
    "precision_recall",
    "roc",
    "save_svg",
    "series",
    "style",
    "svg_bytes",
]
