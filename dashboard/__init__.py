"""Pages for people: campaigns, pairs, reviews, lineage. They read published snapshots and write only to an inbox."""
