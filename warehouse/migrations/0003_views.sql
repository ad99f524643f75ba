-- A pair with what was decided about it. The readings are those of the chosen text, which alone can be flagged.
CREATE VIEW v_pairs AS
SELECT pairs.*, decision, decisions.reason AS decision_reason, verdict, max_reading, flagged
FROM pairs
LEFT JOIN decisions USING (pair_id)
LEFT JOIN verdicts USING (pair_id)
LEFT JOIN (
    SELECT pair_id, max(reading) AS max_reading, bool_or(flagged) AS flagged
    FROM readings
    WHERE side = 'chosen'
    GROUP BY pair_id
) USING (pair_id);

-- Selection pressure in bits, per round and so far. One row per formula, since two bounds on one selection do not add
-- up; an unavailable entry makes its round and every later sum unavailable rather than too small. What is measured per
-- pair or per response has no sum.
CREATE VIEW v_selection AS
WITH per_round AS (
    SELECT campaign, round, formula, CASE WHEN count(*) = count(bits) THEN sum(bits) END AS bits
    FROM ledger
    GROUP BY campaign, round, formula
)
SELECT
    campaign, round, formula, bits,
    CASE
        WHEN formula LIKE '%per pair%' OR formula LIKE '%a response%' THEN NULL
        WHEN count(*) OVER so_far = count(bits) OVER so_far THEN sum(bits) OVER so_far
    END AS cumulative
FROM per_round
WINDOW so_far AS (PARTITION BY campaign, formula ORDER BY round);
