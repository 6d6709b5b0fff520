"""Accuracy and speed against known truth: cases × methods × scores."""
