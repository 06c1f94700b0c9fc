"""The sample company: an outdoor shop with a loyalty programme, made by a seeded generator."""
