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
