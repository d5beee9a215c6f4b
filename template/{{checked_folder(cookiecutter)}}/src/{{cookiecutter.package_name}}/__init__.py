"""The code of our team: the model, and whatever it comes to need."""
