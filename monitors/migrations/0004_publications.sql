-- A round may be published again, with what people settled since.
ALTER TABLE publications RENAME TO publications_before;

CREATE TABLE publications (
    round   INTEGER NOT NULL,
    number  INTEGER NOT NULL DEFAULT 1,  -- counts up where a round was published again
    version VARCHAR NOT NULL,
    path    VARCHAR NOT NULL,
    rows    BIGINT NOT NULL,
    files   VARCHAR NOT NULL,  -- JSON {file: SHA-256}
    rounds  VARCHAR NOT NULL,  -- JSON [round, …] whose pairs are in it
    PRIMARY KEY (round, number)
);
INSERT INTO publications BY NAME SELECT * FROM publications_before;
DROP TABLE publications_before;
