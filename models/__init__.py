"""Language models, SAE reading and the embedded model organism: neutral ground. Must not know who asks, and why."""
