"""The embedded model organism: a tiny language model of a procedural world whose motives are known."""
