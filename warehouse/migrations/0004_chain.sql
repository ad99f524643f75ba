-- What makes a record hard to change unseen: the bytes of every published file, the seal's hash, and a hash chain.

CREATE TABLE dataset_files (
    version  VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    file     VARCHAR NOT NULL,  -- its name inside the version's folder
    hash     VARCHAR NOT NULL,  -- SHA-256 of its bytes as they were published in this round
    PRIMARY KEY (version, campaign, round, file)
);

CREATE TABLE seals (
    campaign VARCHAR NOT NULL,
    number   INTEGER NOT NULL,  -- 1 for the first; a campaign that was sealed anew after an alarm has several
    seal     VARCHAR NOT NULL,  -- the held-out side's seal hash; what it covers stays over there
    PRIMARY KEY (campaign, number)
);

-- Two links a round: `examined` before its dataset is published, `finished` when it is closed; and `published` when an
-- audited campaign ends. A link covers the rows of its round, and the rows of no round (campaigns, artifacts, seals,
-- datasets, …) that no earlier link covers.
CREATE TABLE chain (
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    step     VARCHAR NOT NULL CHECK (step IN ('examined', 'finished', 'published')),
    parent   VARCHAR NOT NULL,  -- the link before it, '' for the first
    link     VARCHAR NOT NULL,  -- SHA-256 of campaign, round, step, parent and the hash of every part
    parts    STRUCT("table" VARCHAR, hash VARCHAR, rows STRUCT(key VARCHAR, hash VARCHAR)[])[] NOT NULL,
    PRIMARY KEY (campaign, round, step)
);
