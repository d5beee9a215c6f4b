"""Lightning's loops at the price of a loop written by hand.

The private names of Lightning that they need stand in `lightning_names.py`; with the versions below they were tested, on any other the
Trainer leaves Lightning's own loops in place.

| file | subject |
|---|---|
| epoch_loop.py, running.py | an epoch, and what a segment and a single need for it |
| segment.py, single.py, due.py, between.py, position.py | many batches at a stretch; one with everything around it; where somebody looks |
| eager.py, programmed.py, batches.py | one batch: eagerly, by a program, and how it comes there |
| evaluation.py, evaluation_batches.py | validation and test |
| hooks.py, counters.py, deferred_log.py, logged_state.py | what Lightning does around a batch: hooks, counters, logs put off and kept |
| program.py, checked.py, verify.py, plain.py, shapes.py | what a step's program is, when it is used, what it is compared with |
| compiled.py, whole.py, graph.py | the three programs |
| onegraph.py, arithmetic.py, bound.py, compiler.py | what they are made of |
| coverage.py, report.py, clock.py, watch.py | what is not covered, which loop ran and why, and where the time went |
| lightning_names.py, naming.py | Lightning's private names |
"""

TESTED_WITH = ("2.6.4", "2.6.5", "2.6.6")
