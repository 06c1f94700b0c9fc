"""Working papers: a sample of events as files to be taken away, with the proof of each."""
