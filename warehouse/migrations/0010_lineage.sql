-- Models that were trained on a published version. From here every link goes on: dataset_pairs has the version's pairs,
-- pairs their constitution.
CREATE TABLE trained_models (
    model    VARCHAR PRIMARY KEY,  -- SHA-256 over the files of its folder, the card among them
    name     VARCHAR NOT NULL,     -- its folder's name below the campaign's trained/
    campaign VARCHAR NOT NULL,
    version  VARCHAR NOT NULL,     -- datasets.version
    base     VARCHAR NOT NULL,     -- SHA-256 over the files of the folder it was trained from
    based_on VARCHAR NOT NULL,     -- and what that is called
    pairs    BIGINT NOT NULL,      -- of the version, that it was trained on
    settings VARCHAR NOT NULL,     -- JSON: method, epochs, rates, seed, kinds of prompts left out
    seed     BIGINT NOT NULL,
    folder   VARCHAR NOT NULL      -- where it was written
);

-- Everything that was made of something else, one row an edge, read off the records themselves: nothing is kept twice.
-- `parent` and `child` are keys: a name for campaigns, an id for prompts and pairs, a content hash for all else.
CREATE VIEW v_lineage AS
SELECT 'campaign' AS parent_kind, campaign AS parent, 'pair' AS child_kind, pair_id AS child, 'made in' AS how FROM pairs
UNION ALL
SELECT 'prompt', prompt_id, 'pair', pair_id, 'asked' FROM pairs
UNION ALL
SELECT 'constitution', constitution, 'pair', pair_id, 'written under' FROM pairs WHERE constitution <> ''
UNION ALL
SELECT 'generator', generator, 'pair', pair_id, 'written by' FROM pairs WHERE generator <> ''
UNION ALL
SELECT 'student', json_extract_string(sampling, '$.student'), 'pair', pair_id, 'rejected side written by'
FROM pairs WHERE contains(sampling, '"student"')
UNION ALL
SELECT DISTINCT 'profile', profile, 'pair', pair_id, 'read with' FROM readings
UNION ALL
SELECT 'reviewer', reviewer, 'pair', pair_id, 'reviewed by' FROM verdicts
UNION ALL
SELECT 'sae', json_extract_string(meta, '$.sae'), 'profile', hash, 'weighs latents of'
FROM artifacts WHERE kind = 'profile' AND json_extract_string(meta, '$.sae') <> ''
UNION ALL
SELECT 'reader', json_extract_string(meta, '$.reader'), 'profile', hash, 'fitted to'
FROM artifacts WHERE kind = 'profile' AND json_extract_string(meta, '$.reader') <> ''
UNION ALL
SELECT 'constitution', parent, 'constitution', hash, 'amended from' FROM constitutions WHERE parent IS NOT NULL
UNION ALL
SELECT DISTINCT 'reviser', hash, 'constitution', constitution, 'proposed by'
FROM amendments, artifacts WHERE kind = 'reviser' AND candidate > 0
UNION ALL
SELECT 'pair', pair_id, 'dataset', version, 'holds' FROM dataset_pairs
UNION ALL
SELECT DISTINCT 'campaign', campaign, 'dataset', version, 'published by' FROM datasets
UNION ALL
SELECT DISTINCT 'dataset', parent, 'dataset', version, 'follows' FROM datasets
WHERE parent IS NOT NULL AND parent <> version
UNION ALL
SELECT DISTINCT 'dataset', version, 'model', model, 'trained' FROM trained_models;

-- Published versions that a person called back: nobody should train on them any more. `replaced` is the version that was
-- published in their stead.
CREATE TABLE recalls (
    campaign VARCHAR NOT NULL,
    number   INTEGER NOT NULL,
    asked    VARCHAR NOT NULL,  -- the version that was named
    version  VARCHAR NOT NULL,  -- it, or one that follows it and holds its pairs
    replaced VARCHAR NOT NULL,
    who      VARCHAR NOT NULL,
    reason   VARCHAR NOT NULL,
    given    BIGINT NOT NULL,   -- microseconds since 1970, UTC
    PRIMARY KEY (campaign, number, version)
);

-- A row for each round: what was written, read, flagged and decided, under which constitution, and what the gate said.
CREATE VIEW v_rounds AS
SELECT
    campaign, round, count(*) AS pairs, count(flagged) AS read,
    count(*) FILTER (flagged) AS flagged, count(*) FILTER (flagged) / nullif(count(flagged), 0) AS flag_rate,
    count(verdict) AS reviewed, count(*) FILTER (decision = 'kept') AS kept,
    count(*) FILTER (decision = 'dropped') AS dropped, count(*) FILTER (decision = 'held') AS held,
    max(attempt) AS attempts, max(constitution) AS constitution, any_value(answer) AS gate
FROM v_pairs
LEFT JOIN gate_answers USING (campaign, round)
GROUP BY campaign, round
ORDER BY campaign, round;

-- A row for each trait that flagged a pair: how far the chosen text was over the threshold, and what became of the pair.
CREATE VIEW v_flags AS
SELECT campaign, round, pair_id, trait, reading, threshold, verdict, decision
FROM readings
JOIN pairs USING (pair_id)
LEFT JOIN verdicts USING (pair_id)
LEFT JOIN decisions USING (pair_id)
WHERE side = 'chosen' AND flagged
ORDER BY campaign, round, pair_id, trait;

-- A row for each round and trait: how the readings of the chosen texts move, whether or not they flag.
CREATE VIEW v_drift AS
SELECT
    campaign, round, trait, count(reading) AS read, count(*) FILTER (flagged) / nullif(count(reading), 0) AS flag_rate,
    avg(reading) AS mean_reading, quantile_cont(reading, 0.9) AS ninth_decile
FROM readings
JOIN pairs USING (pair_id)
WHERE side = 'chosen'
GROUP BY campaign, round, trait
ORDER BY campaign, round, trait;

-- A row for each review: whose verdict, on which traits, why, and what was decided.
CREATE VIEW v_verdicts AS
SELECT
    campaign, round, pair_id, verdict, verdicts.reason, traits, coalesce(artifacts.name, reviewer) AS reviewer, decision
FROM verdicts
JOIN pairs USING (pair_id)
LEFT JOIN decisions USING (pair_id)
LEFT JOIN artifacts ON hash = reviewer
ORDER BY campaign, round, pair_id;

-- A row for each publication: what it follows, and whether an alarm tainted it or a person called it back.
CREATE VIEW v_datasets AS
SELECT
    datasets.campaign, datasets.round, version, rows, parent, quarantined_datasets.alarm AS quarantined_by_alarm,
    version IN (SELECT version FROM recalls) AS recalled
FROM datasets
LEFT JOIN quarantined_datasets USING (version, campaign)
ORDER BY datasets.campaign, datasets.round;
