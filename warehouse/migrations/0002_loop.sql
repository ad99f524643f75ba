-- What the loop did: rounds, how each constitution was chosen and what that cost in bits, and what was published.

CREATE TABLE rounds (
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    mode     VARCHAR NOT NULL CHECK (mode IN ('filter', 'regenerate', 'update')),
    summary  VARCHAR NOT NULL,  -- JSON
    PRIMARY KEY (campaign, round)
);

CREATE TABLE amendments (
    campaign               VARCHAR NOT NULL,
    round                  INTEGER NOT NULL,
    candidate              INTEGER NOT NULL,
    constitution           VARCHAR NOT NULL,
    parent                 VARCHAR,
    operation              VARCHAR NOT NULL,
    flag_rate              DOUBLE,
    unjustified_rate       DOUBLE,
    utility                DOUBLE,
    objective              DOUBLE,
    objective_no_utility   DOUBLE,
    chosen                 BOOLEAN NOT NULL,
    fresh_flag_rate        DOUBLE,  -- on prompts it was not chosen on; null for candidates that were not chosen
    fresh_unjustified_rate DOUBLE,
    fresh_utility          DOUBLE,
    PRIMARY KEY (campaign, round, candidate)
);

CREATE TABLE attributions (
    campaign          VARCHAR NOT NULL,
    round             INTEGER NOT NULL,
    constitution      VARCHAR NOT NULL,
    principle         VARCHAR NOT NULL,
    flag_rate_without DOUBLE,
    delta             DOUBLE,
    PRIMARY KEY (campaign, round, constitution, principle)
);

CREATE TABLE ledger (
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    entry    VARCHAR NOT NULL,
    bits     DOUBLE CHECK (isfinite(bits)),  -- null means unavailable, which is not zero
    formula  VARCHAR NOT NULL,
    detail   VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (campaign, round, entry, formula)
);

CREATE TABLE datasets (
    version  VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    path     VARCHAR NOT NULL,
    rows     BIGINT NOT NULL,
    parent   VARCHAR,  -- the version published before it, null for a first one
    PRIMARY KEY (version, campaign, round)
);

CREATE TABLE dataset_pairs (
    version VARCHAR NOT NULL,
    pair_id VARCHAR NOT NULL,
    PRIMARY KEY (version, pair_id)
);
