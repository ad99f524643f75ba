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
WHERE parent IS NOT NULL AND parent <> version;

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
