package io.pgcaravan.ship.format;

import java.util.List;
import java.util.Locale;

/** The files of a set, in the order in which they are published. */
public enum SetPart {
    COLUMNS,
    IDS,
    RECORDS,
    DONE,
    /** Written by the import; goes back to the export. */
    ACK;

    /** All but the markers. */
    public static final List<SetPart> DATA = List.of(COLUMNS, IDS, RECORDS);

    public String suffix() {
        return "." + name().toLowerCase(Locale.ROOT);
    }

    public boolean compressible() {
        return this == IDS || this == RECORDS;
    }
}
