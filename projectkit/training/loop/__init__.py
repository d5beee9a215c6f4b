"""Lightning's loops at the price of a loop written by hand."""
