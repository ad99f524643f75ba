"""Language models, SAE reading and the embedded model organism: neutral ground. Must not know who asks, and why."""

import os

# Must be set before torch loads its OpenMP: threads that spin while they wait make two threads ten times slower than
# one as soon as anything else runs on the machine; threads that sleep cost nothing measurable on an idle one.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
