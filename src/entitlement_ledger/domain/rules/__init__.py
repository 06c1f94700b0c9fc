"""One file for each type of transaction: the rule that decides it."""
