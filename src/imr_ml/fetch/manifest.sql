CREATE TABLE cases (
    case_number TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('found', 'fetched', 'failed')),
    case_outcome TEXT,
    decision_date TEXT,
    date_of_injury TEXT,
    application_received TEXT,
    specialty TEXT,
    listed_at TEXT NOT NULL,
    tried_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    http_status INTEGER,
    reason TEXT,
    PRIMARY KEY (case_number, url)
) STRICT;
CREATE INDEX cases_by_decision ON cases (decision_date, case_number);
CREATE TABLE requests (
    case_number TEXT NOT NULL,
    url TEXT NOT NULL,
    place INTEGER NOT NULL,
    category TEXT,
    subcategory TEXT,
    outcome TEXT,
    PRIMARY KEY (case_number, url, place),
    FOREIGN KEY (case_number, url) REFERENCES cases
) STRICT;
CREATE TABLE letters (
    case_number TEXT NOT NULL,
    version INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    http_status INTEGER,
    fetched_at TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (case_number, version),
    UNIQUE (case_number, sha256),
    FOREIGN KEY (case_number, url) REFERENCES cases
) STRICT;
CREATE TABLE walks (
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    cases INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    walked_at TEXT NOT NULL,
    PRIMARY KEY (first_day, last_day)
) STRICT;
