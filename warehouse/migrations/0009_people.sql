-- What people say: amendments that wait for them and their answers, versions they went back to, and their verdicts.
-- `given` is when it was said, microseconds since 1970, UTC.

-- An amendment that the chooser picked and a person has to approve; it waits as long as it has no row in `approvals`.
CREATE TABLE proposals (
    campaign     VARCHAR NOT NULL,
    round        INTEGER NOT NULL,
    constitution VARCHAR NOT NULL,  -- the hash of what is proposed
    parent       VARCHAR NOT NULL,  -- the hash of the version in force
    amendment    VARCHAR NOT NULL,
    PRIMARY KEY (campaign, round, constitution)
);

-- The first answer to a proposal counts. What came too late, or from somebody who may not steer, is in `refusals`.
CREATE TABLE approvals (
    campaign     VARCHAR NOT NULL,
    round        INTEGER NOT NULL,
    constitution VARCHAR NOT NULL,
    number       INTEGER NOT NULL CHECK (number = 1),
    approve      BOOLEAN NOT NULL,
    who          VARCHAR NOT NULL,
    given        BIGINT NOT NULL,
    note         VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (campaign, round, constitution, number)
);

CREATE TABLE reverts (
    campaign     VARCHAR NOT NULL,
    number       INTEGER NOT NULL,
    round        INTEGER NOT NULL,  -- the first round it holds for
    constitution VARCHAR NOT NULL,  -- the earlier version the campaign goes on from
    who          VARCHAR NOT NULL,
    given        BIGINT NOT NULL,
    note         VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (campaign, number)
);

-- Every verdict a person ever gave on a pair; the one with the highest number counts.
CREATE TABLE person_verdicts (
    campaign VARCHAR NOT NULL,
    pair_id  VARCHAR NOT NULL,
    number   INTEGER NOT NULL,  -- counts up for each pair, from 1
    round    INTEGER NOT NULL,  -- the first round whose publication it counts for
    who      VARCHAR NOT NULL,
    given    BIGINT NOT NULL,
    verdict  VARCHAR NOT NULL CHECK (verdict IN ('justified', 'unjustified', 'unsure')),
    traits   VARCHAR NOT NULL DEFAULT '[]',  -- JSON ["trait", …]
    note     VARCHAR NOT NULL DEFAULT '',
    shown    VARCHAR NOT NULL DEFAULT '',    -- SHA-256 of what the person was shown
    PRIMARY KEY (campaign, pair_id, number)
);

-- Messages that were read and do not count, with why.
CREATE TABLE refusals (
    campaign VARCHAR NOT NULL,
    number   INTEGER NOT NULL,
    round    INTEGER NOT NULL,  -- the round in which it was refused
    kind     VARCHAR NOT NULL CHECK (kind IN ('verdict', 'approval', 'revert')),
    who      VARCHAR NOT NULL,
    given    BIGINT NOT NULL,
    said     VARCHAR NOT NULL,  -- JSON, the message as it was
    reason   VARCHAR NOT NULL,
    PRIMARY KEY (campaign, number)
);

-- Of each pair what the loop decided and what that comes to with the latest person's verdict, `settled`: a held pair is
-- kept or dropped by it; on any other it changes nothing.
CREATE VIEW v_decisions AS
SELECT
    decisions.*,
    CASE
        WHEN decision = 'held' AND latest.verdict = 'justified' THEN 'kept'
        WHEN decision = 'held' AND latest.verdict = 'unjustified' THEN 'dropped'
        ELSE decision
    END AS settled,
    latest.verdict AS person_verdict,
    latest.who AS person
FROM decisions
LEFT JOIN (
    SELECT * FROM person_verdicts QUALIFY row_number() OVER (PARTITION BY pair_id ORDER BY number DESC) = 1
) AS latest USING (pair_id);

-- Which version was in force when, in order of round and step: `reverted` before a round, what its pairs were `written`
-- under, and what was `amended` after it. A proposal is in force once it is approved.
CREATE VIEW v_in_force AS
SELECT campaign, round, 'reverted' AS event, number AS step, constitution
FROM reverts
UNION ALL
SELECT DISTINCT campaign, round, 'written', 1000000, constitution
FROM pairs
WHERE constitution <> ''
UNION ALL
SELECT campaign, round, 'amended', 1000001, constitution
FROM amendments
LEFT JOIN proposals USING (campaign, round, constitution)
LEFT JOIN approvals USING (campaign, round, constitution)
WHERE chosen AND (proposals.amendment IS NULL OR approve);

-- How often two judges of the same pairs said what: one row for each two judges and what each said. A person counts with
-- their own latest verdict on a pair; the model stands first, of two persons the one whose name does.
CREATE VIEW v_agreement AS
WITH said AS (
    SELECT pairs.campaign, pair_id, 'the reviewer model' AS who, 0 AS person, verdict
    FROM verdicts
    JOIN pairs USING (pair_id)
    UNION ALL
    SELECT campaign, pair_id, who, 1, verdict
    FROM person_verdicts
    QUALIFY row_number() OVER (PARTITION BY campaign, pair_id, who ORDER BY number DESC) = 1
)
SELECT
    one.campaign, one.who AS one, other.who AS other, one.verdict AS one_said, other.verdict AS other_said,
    count(*) AS pairs
FROM said AS one
JOIN said AS other
    ON one.campaign = other.campaign AND one.pair_id = other.pair_id
    AND (one.person, one.who) < (other.person, other.who) AND other.person = 1
GROUP BY ALL;

-- A link of its own for what people settled once a campaign was over; there may be several.
ALTER TABLE chain RENAME TO chain_before;

CREATE TABLE chain (
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    step     VARCHAR NOT NULL CHECK (step IN ('examined', 'finished', 'published', 'reviewed')),
    number   INTEGER NOT NULL DEFAULT 0,  -- of `reviewed`, from 1; 0 for the other steps
    parent   VARCHAR NOT NULL,  -- the link before it, '' for the first
    link     VARCHAR NOT NULL,  -- SHA-256 of campaign, round, step, parent and the hash of every part
    parts    STRUCT("table" VARCHAR, hash VARCHAR, rows STRUCT(key VARCHAR, hash VARCHAR)[])[] NOT NULL,
    PRIMARY KEY (campaign, round, step, number)
);
INSERT INTO chain BY NAME SELECT * FROM chain_before;
DROP TABLE chain_before;
