"""Lightning's loops at the price of a loop written by hand.

The private names of Lightning that they need stand in `lightning_names.py`; with the versions below they were tested, on any other the
Trainer leaves Lightning's own loops in place.
"""

TESTED_WITH = ("2.6.4", "2.6.5", "2.6.6")
