"""Suspicious activity: each rule is one query, published as a view, that finds patterns."""
