-- What the held-out side answered, what it keeps out of the published data, and what the gate was set up with.

CREATE TABLE designs (
    seal   INTEGER PRIMARY KEY,
    began  INTEGER NOT NULL,  -- the round whose pairs are the baseline
    bets   VARCHAR NOT NULL,  -- JSON [any bad motive, "trait", …], in the order of the design's arrays
    design VARCHAR NOT NULL   -- monitors.gate.Design as JSON
);

-- All that the other side is ever told of a round.
CREATE TABLE answers (
    round  INTEGER PRIMARY KEY,
    seal   INTEGER NOT NULL,
    answer VARCHAR NOT NULL CHECK (answer IN ('go', 'alarm', 'refused')),
    since  INTEGER  -- with an alarm: the round from which the hidden rate departs, estimated
);

-- Kept pairs that are not published: gold found them bad, could not tell, or they are copies of such a pair.
CREATE TABLE withheld (
    pair_id VARCHAR PRIMARY KEY,
    round   INTEGER NOT NULL,
    seal    INTEGER NOT NULL,
    why     VARCHAR NOT NULL CHECK (why IN ('bad', 'unsure'))
);

-- Each round's audit in figures: what the auditor's view shows. The hidden rate is weighed by one over the propensity.
CREATE VIEW v_audits AS
WITH last AS (
    SELECT seal, round, max_by(evidence, read) AS evidence, bool_or(alarm) AS alarm FROM gate_states GROUP BY ALL
),
gold AS (
    SELECT seal, pair_id, count(*) AS reviews, count(*) = 2 AND bool_and(verdict = 'unjustified') AS bad
    FROM gold_verdicts GROUP BY ALL
),
items AS (
    SELECT seal, round, pool, count(*) AS items, count(*) FILTER (fired) AS fired,
        sum(coalesce(reviews, 0))::BIGINT AS reviews, count(*) FILTER (bad) AS bad,
        sum(CASE WHEN bad THEN 1 / propensity ELSE 0 END) / count(*) AS hidden_rate
    FROM coins LEFT JOIN gold USING (seal, pair_id) GROUP BY ALL
)
SELECT seal, round, pool, items, fired, reviews, bad, hidden_rate, evidence, alarm
FROM items LEFT JOIN last USING (seal, round)
ORDER BY seal, round, pool DESC;

-- One version of the dataset for each round that was answered; which of them an alarm tainted follows from `answers`.
CREATE TABLE publications (
    round   INTEGER PRIMARY KEY,
    version VARCHAR NOT NULL,
    path    VARCHAR NOT NULL,
    rows    BIGINT NOT NULL,
    files   VARCHAR NOT NULL,  -- JSON {file: SHA-256}
    rounds  VARCHAR NOT NULL   -- JSON [round, …] whose pairs are in it
);
