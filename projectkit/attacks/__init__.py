"""Perturbations and adversaries, used by training and by evaluation."""
