-- The whole ledger, one row a round and entry, with the figure so far where there is one; in place of the view that knew
-- selections only.
DROP VIEW v_selection;

-- `cumulative` is a sum for the choices among constitutions: one formula at a time, since two bounds on one choice do
-- not add up, and unavailable from the first unavailable figure on, rather than too small. What is measured from the
-- start counts everything so far as it is. The other figures, a pair or a response, have no sum.
CREATE VIEW v_ledger AS
SELECT
    campaign, round, entry, formula, bits,
    CASE
        WHEN entry = 'from the start' THEN bits
        WHEN entry <> 'amendment' OR formula LIKE '%a response%' THEN NULL
        WHEN count(*) OVER so_far = count(bits) OVER so_far THEN sum(bits) OVER so_far
    END AS cumulative,
    detail
FROM ledger
WINDOW so_far AS (PARTITION BY campaign, entry, formula ORDER BY round);
