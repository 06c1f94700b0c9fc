"""Proving: checkpoints, the witness, verification, proofs."""
