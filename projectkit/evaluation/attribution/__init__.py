"""What a network's output depends on, in one sample: a number for each pixel, token, column or point.

For a classifier the output is a contrast: the logit of one class minus that of another, which asks "why this and not that". The numbers
say how the contrast changes when the sample takes the place of a plain one (the baseline). They say what the network uses, not whether
it ought to.

| file | subject |
|---|---|
| explain.py | `Explainer`: from a row of a data set to its `Attribution` |
| outputs.py | the number that is explained |
| methods.py | integrated gradients and occlusion, by captum, and how far they add up |
| tokens.py | sequences: their embeddings, and what each token looks like |
| tables.py | tables: the plain row, and which encoded column belongs to which of the table's |

| data | baseline | method |
|---|---|---|
| image, series | the training mean of each channel | integrated gradients |
| text, tokens | the embedding of padding, at each place | integrated gradients over the embeddings |
| table | the training median, the most common category | integrated gradients |

Where gradients do not add up to the change of the output, or cannot be had, parts are occluded one after another instead: put back to the
baseline, which changes the output by so much.
"""

from __future__ import annotations

from projectkit.evaluation.attribution.explain import Attribution, Explainer, UnexplainedError

__all__ = ["Attribution", "Explainer", "UnexplainedError"]
