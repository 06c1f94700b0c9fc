"""Measuring: each figure stands beside a yardstick that was run beside it."""
