"""The texts in which each trait, and each of its latents, was read most strongly; a small table made from all readings.

Reads: readings and pairs. Writes: nothing. Must not know: what a trait or a latent means, or who looks.
"""

import pyarrow as pa

from warehouse.store import Store

MOST, LENGTH = 5, 600
"""Texts for each trait and each latent, and characters of each."""

# One pass: a row for each trait, and one for each latent that a reading names; of each the few highest.
SQL = f"""
WITH read AS (
    SELECT pair_id, side, trait, reading, tokens, NULL::INTEGER AS latent, NULL::DOUBLE AS weight, reading AS strength
    FROM readings WHERE reading IS NOT NULL
    UNION ALL
    SELECT pair_id, side, trait, reading, tokens, fired[1]::INTEGER, fired[3], fired[2]
    FROM (
        SELECT pair_id, side, trait, reading, tokens, unnest(from_json(latents, '[["DOUBLE"]]')) AS fired
        FROM readings WHERE reading IS NOT NULL AND latents NOT IN ('', '[]')
    )
),
highest AS (
    SELECT trait, latent, max(weight) AS weight, count(*) AS texts,
        max_by({{pair_id: pair_id, side: side, reading: reading, strength: strength, tokens: tokens}},
            {{strength: strength, pair_id: pair_id, side: side}}, {MOST}) AS shown
    FROM read GROUP BY trait, latent
),
ranked AS (
    SELECT trait, latent, weight, texts, unnest(shown) AS one, generate_subscripts(shown, 1) AS rank FROM highest
)
SELECT trait, latent, weight, texts, rank::INTEGER AS rank,
    one.pair_id, one.side, one.reading, one.strength, one.tokens,
    left(CASE one.side WHEN 'chosen' THEN chosen ELSE rejected END[-1].content, {LENGTH}) AS said
FROM ranked LEFT JOIN pairs ON pairs.pair_id = one.pair_id
ORDER BY trait, latent NULLS FIRST, rank
"""


def strongest(store: Store) -> pa.Table:
    """Columns trait, latent (null: the trait's own reading), weight (the latent's, as the reading used it), texts (how
    many of either side name it; a reading names at most its five strongest), rank (1 the strongest), pair_id, side,
    reading, strength (the pooled activation, or the reading), tokens, said (the start of the text)."""
    return store.query(SQL)
