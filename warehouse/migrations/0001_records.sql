-- What a campaign is made of, one row per thing, keyed by content or by place. Rows are only ever added.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name   VARCHAR NOT NULL,
    hash   VARCHAR NOT NULL
);

CREATE TABLE campaigns (
    campaign VARCHAR PRIMARY KEY,
    config   VARCHAR NOT NULL  -- the whole campaign file as JSON
);

CREATE TABLE constitutions (
    hash       VARCHAR PRIMARY KEY,
    name       VARCHAR NOT NULL,
    version    INTEGER NOT NULL,
    parent     VARCHAR,  -- the hash of the version it amends, null for a first one
    amendment  VARCHAR NOT NULL DEFAULT '',
    principles VARCHAR NOT NULL  -- JSON [{"id", "text"}, …]
);

CREATE TABLE artifacts (
    hash VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('generator', 'reader', 'reviewer', 'sae', 'profile')),
    name VARCHAR NOT NULL,
    meta VARCHAR NOT NULL DEFAULT '{}'  -- JSON
);

CREATE TABLE prompts (
    prompt_id VARCHAR PRIMARY KEY,
    prompt    STRUCT(role VARCHAR, content VARCHAR)[] NOT NULL,
    split     VARCHAR NOT NULL DEFAULT 'campaign'
);

CREATE TABLE pairs (
    pair_id       VARCHAR PRIMARY KEY,
    campaign      VARCHAR NOT NULL,
    round         INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    prompt_id     VARCHAR NOT NULL,
    prompt        STRUCT(role VARCHAR, content VARCHAR)[] NOT NULL,
    chosen        STRUCT(role VARCHAR, content VARCHAR)[] NOT NULL,
    rejected      STRUCT(role VARCHAR, content VARCHAR)[] NOT NULL,
    constitution  VARCHAR NOT NULL,  -- '' for a foreign pair, as for generator
    generator     VARCHAR NOT NULL,
    sampling      VARCHAR NOT NULL,
    seed_chosen   BIGINT,
    seed_rejected BIGINT,
    prompt_hash   VARCHAR NOT NULL,
    source        VARCHAR NOT NULL,
    source_id     VARCHAR NOT NULL
);

CREATE TABLE quarantine (
    pair_id     VARCHAR NOT NULL,
    campaign    VARCHAR NOT NULL,
    round       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    source      VARCHAR NOT NULL,
    expectation VARCHAR NOT NULL,
    detail      VARCHAR NOT NULL,
    "row"       VARCHAR NOT NULL,
    PRIMARY KEY (campaign, round, attempt, position, source, pair_id)
);

CREATE TABLE readings (
    pair_id        VARCHAR NOT NULL,
    side           VARCHAR NOT NULL CHECK (side IN ('chosen', 'rejected')),
    trait          VARCHAR NOT NULL,
    reading        DOUBLE CHECK (isfinite(reading)),  -- null where the text could not be read
    threshold      DOUBLE NOT NULL,
    flagged        BOOLEAN CHECK ((flagged IS NULL) = (reading IS NULL)),
    tokens         VARCHAR NOT NULL,
    latents        VARCHAR NOT NULL,
    reconstruction DOUBLE,
    vocabulary     DOUBLE,
    abstained      VARCHAR NOT NULL,
    profile        VARCHAR NOT NULL,
    sae            VARCHAR NOT NULL,
    PRIMARY KEY (pair_id, side, trait, profile)
);

CREATE TABLE verdicts (
    pair_id     VARCHAR PRIMARY KEY,
    verdict     VARCHAR NOT NULL CHECK (verdict IN ('justified', 'unjustified', 'unsure')),
    reason      VARCHAR NOT NULL,
    traits      VARCHAR NOT NULL,  -- JSON ["trait", …]
    reviewer    VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    raw         VARCHAR NOT NULL
);

CREATE TABLE decisions (
    pair_id  VARCHAR PRIMARY KEY,
    decision VARCHAR NOT NULL CHECK (decision IN ('kept', 'dropped', 'held', 'abstained', 'quarantined')),
    reason   VARCHAR NOT NULL
);
