-- What the held-out side answered, and what became of the campaign's mode.

CREATE TABLE gate_answers (
    campaign VARCHAR NOT NULL,
    round    INTEGER NOT NULL,
    answer   VARCHAR NOT NULL CHECK (answer IN ('go', 'alarm', 'refused')),
    PRIMARY KEY (campaign, round)
);

-- An alarm moves the mode down; a person, and nobody else, moves it up again.
CREATE TABLE modes (
    campaign     VARCHAR NOT NULL,
    number       INTEGER NOT NULL,
    round        INTEGER NOT NULL,  -- the first round it is for
    mode         VARCHAR NOT NULL CHECK (mode IN ('filter', 'regenerate', 'update')),
    who          VARCHAR NOT NULL,  -- 'the gate', or a person's name
    reason       VARCHAR NOT NULL DEFAULT '',
    constitution VARCHAR,           -- the version a person goes on from; null with the gate
    monitors     VARCHAR,           -- the file of monitors under the new seal; null with the gate
    "use"        VARCHAR,           -- JSON ["monitor", …]
    PRIMARY KEY (campaign, number)
);

-- Published versions that hold pairs of rounds an alarm quarantined.
CREATE TABLE quarantined_datasets (
    version  VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL,
    alarm    INTEGER NOT NULL,  -- the round that rang
    PRIMARY KEY (version, campaign, alarm)
);
