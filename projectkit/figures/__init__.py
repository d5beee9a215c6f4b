"""Every picture, in one look: numbers in, matplotlib figures out.

Each function takes the size in print (`size_mm`) and the type size (`font_pt`), so that a poster draws a figure anew
at its final size instead of scaling it.

| file | subject |
|---|---|
| style.py, fonts.py, labels.py, points.py, diverging.py | the look, type, names that fit, points that are seen, `svg_bytes`, `save_svg` |
| colours.py | colours as numbers: `contrast`, `luminance`, `mixed` |
| curves.py | `learning_curves`, `averaged` |
| learning_rate.py | `lr_range` |
| confusion.py | `confusion_matrix` |
| ranking.py, det.py, several.py | `roc`, `precision_recall`, `det`, and how several curves are drawn |
| calibration.py | `reliability` |
| intervals.py | numbers with their intervals, a row each: `per_class`, `slices`, `differences` |
| anomalies.py | `score_histogram`, `timeline` |
| attributed.py | `attributed`: any attributions, from the numbers that an evaluation left; `packed`, `packed_maps` |
| attributed_images.py, attributed_text.py | what spoke for a class: `attributed_images`, `attributed_text` |
| attributed_values.py | the same of a table's columns and a series' moments: `attributed_table`, `attributed_series` |
| legibility.py | whether a figure can be read on paper: `smallest_type_pt`, `colour_blind`, `picture_colours` |
| svg.py | SVG files read for that: shapes with their styles and scales |
| diagram.py, layers.py | `diagram`: a network's layers as boxes, and which boxes those are |
| samples.py | what a data set looks like: `class_balance`, `histograms`, `image_sheet`, `series` |
"""

from __future__ import annotations

from projectkit.figures.anomalies import score_histogram as score_histogram
from projectkit.figures.anomalies import timeline as timeline
from projectkit.figures.attributed import attributed as attributed
from projectkit.figures.attributed import packed as packed
from projectkit.figures.attributed import packed_maps as packed_maps
from projectkit.figures.attributed_images import attributed_images as attributed_images
from projectkit.figures.attributed_text import attributed_text as attributed_text
from projectkit.figures.attributed_values import attributed_series as attributed_series
from projectkit.figures.attributed_values import attributed_table as attributed_table
from projectkit.figures.calibration import reliability as reliability
from projectkit.figures.confusion import confusion_matrix as confusion_matrix
from projectkit.figures.curves import averaged as averaged
from projectkit.figures.curves import learning_curves as learning_curves
from projectkit.figures.det import det as det
from projectkit.figures.diagram import diagram as diagram
from projectkit.figures.diagram import diagram_height as diagram_height
from projectkit.figures.intervals import differences as differences
from projectkit.figures.intervals import per_class as per_class
from projectkit.figures.intervals import slices as slices
from projectkit.figures.learning_rate import lr_range as lr_range
from projectkit.figures.legibility import Confused as Confused
from projectkit.figures.legibility import colour_blind as colour_blind
from projectkit.figures.legibility import picture_colours as picture_colours
from projectkit.figures.legibility import smallest_type_pt as smallest_type_pt
from projectkit.figures.points import envelope as envelope
from projectkit.figures.ranking import precision_recall as precision_recall
from projectkit.figures.ranking import roc as roc
from projectkit.figures.samples import class_balance as class_balance
from projectkit.figures.samples import histograms as histograms
from projectkit.figures.samples import image_sheet as image_sheet
from projectkit.figures.samples import series as series
from projectkit.figures.style import recoloured as recoloured
from projectkit.figures.style import save_svg as save_svg
from projectkit.figures.style import style as style
from projectkit.figures.style import svg_bytes as svg_bytes

__all__ = [
    "Confused",
    "attributed",
    "attributed_images",
    "attributed_series",
    "attributed_table",
    "attributed_text",
    "averaged",
    "class_balance",
    "colour_blind",
    "confusion_matrix",
    "det",
    "diagram",
    "diagram_height",
    "differences",
    "envelope",
    "histograms",
    "image_sheet",
    "learning_curves",
    "lr_range",
    "packed",
    "packed_maps",
    "per_class",
    "picture_colours",
    "precision_recall",
    "recoloured",
    "reliability",
    "roc",
    "save_svg",
    "score_histogram",
    "series",
    "slices",
    "smallest_type_pt",
    "style",
    "svg_bytes",
    "timeline",
]
