"""Reports: which there are, what each takes, and the files they are written to."""
