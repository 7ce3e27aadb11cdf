package io.pgcaravan.ship;

import java.util.regex.Pattern;

/** A {@code pg_snapshot} as PostgreSQL prints it: {@code xmin:xmax:in progress}. */
public final class Snapshot {

    private static final Pattern TEXT = Pattern.compile("\\d+:\\d+:[\\d,]*");

    private Snapshot() {}

    /** The number of the first transaction that had not begun, unsigned. */
    public static long xmax(String snapshot) {
        return Long.parseUnsignedLong(snapshot.split(":")[1]);
    }

    /** A literal, for statements that cannot take parameters, as COPY. */
    public static String literal(String snapshot) {
        if (!TEXT.matcher(snapshot).matches()) {
            throw new IllegalArgumentException("no snapshot: " + snapshot);
        }
        return "'" + snapshot + "'::pg_catalog.pg_snapshot";
    }
}
