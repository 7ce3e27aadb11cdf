package io.pgcaravan.ship.format;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The one line of a {@code .columns} file: names as {@code quote_ident} writes them, comma separated, ready for COPY's column list. */
public final class ColumnLine {

    private static final Pattern NAME =
            Pattern.compile(" *(?:\"((?:[^\"\0]|\"\"){1,252})\"|([a-z_][a-z0-9_]{0,251})) *(,|\\z)");

    /** As PostgreSQL's limit for a table. */
    private static final int MOST_COLUMNS = 1600;

    private ColumnLine() {}

    /**
     * Reads the names, raw.
     *
     * @throws IllegalArgumentException where the line is no such list; the message says why
     */
    public static List<String> read(String line) {
        List<String> columns = new ArrayList<>();
        Matcher name = NAME.matcher(line);
        int at = 0;
        do {
            if (!name.region(at, line.length()).lookingAt()) {
                throw new IllegalArgumentException(
                        "no name of a column, and a comma or the end, at character " + (at + 1));
            }
            columns.add(name.group(1) == null ? name.group(2) : name.group(1).replace("\"\"", "\""));
            at = name.end();
        } while (name.group(3).equals(",") && columns.size() <= MOST_COLUMNS);
        if (columns.size() > MOST_COLUMNS) {
            throw new IllegalArgumentException("more than " + MOST_COLUMNS + " columns");
        }
        if (new HashSet<>(columns).size() != columns.size()) {
            throw new IllegalArgumentException("a column is there twice");
        }
        return columns;
    }
}
