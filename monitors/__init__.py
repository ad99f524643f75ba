"""The held-out side: monitors, gold audit, gate and seal live here, behind the wall.

Must not know ``tasks``, ``flows`` or the sparse autoencoder (``sae_lens``, ``models.sae``, ``models.truesight``).
Nothing on the generator side may import this package; the contracts in ``.importlinter`` and ``tests/test_wall.py``
hold both directions from the first commit.
"""
