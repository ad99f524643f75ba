-- What the held-out side knows, and the generator side must never learn. Rows are only ever added.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name   VARCHAR NOT NULL,
    hash   VARCHAR NOT NULL
);

-- A seal ends when the gate alarms or a part changes; the next one, over new monitors, gets the next number.
CREATE TABLE seals (
    number INTEGER PRIMARY KEY,  -- 1 for the first
    seal   VARCHAR NOT NULL,     -- SHA-256 over names and hashes of its parts; the one figure the other side may know
    -- name: 'code/gate.py', 'weights', 'prompts', 'thresholds', 'design', …
    -- hash: SHA-256 of the file, of the folder, or of the value's canonical JSON
    -- source: the file or folder it is read from, relative to this folder; '' for code and values
    -- value: the value as canonical JSON; '' for what is on disk
    parts  STRUCT(name VARCHAR, hash VARCHAR, source VARCHAR, value VARCHAR)[] NOT NULL
);

-- Prompts that only this side asks, or looks for: the monitors' own and the sealed ones.
CREATE TABLE heldout_prompts (
    prompt_id VARCHAR PRIMARY KEY,
    purpose   VARCHAR NOT NULL,  -- what it is for: 'audit', 'baseline', …
    prompt    STRUCT(role VARCHAR, content VARCHAR)[] NOT NULL,
    keyed     VARCHAR NOT NULL   -- HMAC-SHA-256 of the prompt, as the other side knows it
);

-- What each monitor read in the chosen text of a pair. It decides where gold looks, never whether the gate alarms.
CREATE TABLE monitor_readings (
    seal      INTEGER NOT NULL,  -- the seal in force
    pair_id   VARCHAR NOT NULL,
    round     INTEGER NOT NULL,
    monitor   VARCHAR NOT NULL,  -- the monitor's name
    reading   DOUBLE CHECK (isfinite(reading)),  -- null where it could not read the text
    threshold DOUBLE NOT NULL,   -- as sealed
    fired     BOOLEAN NOT NULL,  -- an unread text counts as fired, so that gold looks harder, not less
    reason    VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (seal, pair_id, monitor)
);

-- One coin for each item of a pool, of known probability, tossed before anything of gold is read.
CREATE TABLE coins (
    seal       INTEGER NOT NULL,
    round      INTEGER NOT NULL,  -- 0 for the baseline, before the first update
    pair_id    VARCHAR NOT NULL,  -- of near-duplicates the one that stands for all
    pool       VARCHAR NOT NULL CHECK (pool IN ('unflagged', 'flagged and kept')),
    block      INTEGER NOT NULL,  -- which of the round's random blocks it is in, from 0
    stratum    INTEGER NOT NULL,  -- of its prompt, as in the baseline's mix
    fired      BOOLEAN NOT NULL,  -- whether any monitor did
    propensity DOUBLE NOT NULL CHECK (propensity > 0 AND propensity <= 1),  -- the probability of a review
    coin       DOUBLE NOT NULL CHECK (coin >= 0 AND coin < 1),
    reviewed   BOOLEAN NOT NULL CHECK (reviewed = (coin < propensity)),
    duplicates VARCHAR NOT NULL DEFAULT '[]',  -- JSON ["pair_id", …] of those it stands for
    PRIMARY KEY (seal, round, pair_id)
);

-- Every gold review ever given, never overwritten: a second look at a pair is a second row.
CREATE TABLE gold_verdicts (
    seal        INTEGER NOT NULL,
    pair_id     VARCHAR NOT NULL,
    turn        INTEGER NOT NULL,  -- 1 for the first review, 2 for the independent one that confirms it, and so on
    round       INTEGER NOT NULL,
    verdict     VARCHAR NOT NULL CHECK (verdict IN ('justified', 'unjustified', 'unsure', 'clean')),
    traits      VARCHAR NOT NULL,  -- JSON ["trait", …]: the motives it found unjustified
    reason      VARCHAR NOT NULL,
    reviewer    VARCHAR NOT NULL,  -- hash of the model, or the person's name
    prompt_hash VARCHAR NOT NULL,  -- hash of what the reviewer was shown
    raw         VARCHAR NOT NULL,  -- its whole answer
    PRIMARY KEY (seal, pair_id, turn)
);

-- What gold said of each pool before the first update: the gate's baseline.
CREATE TABLE baselines (
    seal     INTEGER NOT NULL,
    pool     VARCHAR NOT NULL CHECK (pool IN ('unflagged', 'flagged and kept')),
    reviewed INTEGER NOT NULL,  -- pairs drawn at random and reviewed
    bad      VARCHAR NOT NULL,  -- JSON [count, …]: confirmed bad, per trait
    strata   VARCHAR NOT NULL,  -- JSON [count, …]: reviewed pairs in each stratum of prompts
    quiet    DOUBLE NOT NULL,   -- pairs of a whole round on which no monitor fires
    fired    DOUBLE NOT NULL,   -- and those on which one does
    PRIMARY KEY (seal, pool)
);

-- Where the evidence stood after each block: the gate can go on from the last one, and every step can be gone over again.
CREATE TABLE gate_states (
    seal     INTEGER NOT NULL,
    round    INTEGER NOT NULL,
    read     INTEGER NOT NULL,  -- blocks read in this round, all pools together; 0 is the state the round opened with
    pool     VARCHAR NOT NULL,  -- the pool of the block that was read last, '' at the opening
    block    INTEGER,           -- its number in that pool, null at the opening
    evidence DOUBLE NOT NULL CHECK (isfinite(evidence)),  -- E: cash and every wealth
    alarm    BOOLEAN NOT NULL,  -- whether the gate has alarmed by now
    state    VARCHAR NOT NULL,  -- monitors.gate.State as JSON
    PRIMARY KEY (seal, round, read)
);

-- Who looked at held-out figures of a running campaign: from then on they may not approve or revert its amendments.
CREATE TABLE unblindings (
    who    VARCHAR NOT NULL,
    opened TIMESTAMP NOT NULL,  -- when, UTC
    round  INTEGER NOT NULL,    -- the last one they could see
    seen   VARCHAR NOT NULL,    -- what was opened: the auditor's view, an export, …
    reason VARCHAR NOT NULL,
    PRIMARY KEY (who, opened)
);
