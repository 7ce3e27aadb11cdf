package io.pgcaravan.changeset;

import java.util.regex.Pattern;

/** A {@code pg_snapshot} as PostgreSQL prints it: {@code xmin:xmax:in progress}. */
final class Snapshot {

    private static final Pattern TEXT = Pattern.compile("\\d+:\\d+:[\\d,]*");

    private Snapshot() {}

    static long xmax(String snapshot) {
        return Long.parseUnsignedLong(snapshot.split(":")[1]);
    }

    /** A literal, for statements that cannot take parameters, as COPY. */
    static String literal(String snapshot) {
        if (!TEXT.matcher(snapshot).matches()) {
            throw new IllegalArgumentException("no snapshot: " + snapshot);
        }
        return "'" + snapshot + "'::pg_catalog.pg_snapshot";
    }
}
