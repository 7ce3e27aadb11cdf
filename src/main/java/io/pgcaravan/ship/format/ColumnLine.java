package io.pgcaravan.ship.format;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;

/** The one line of a {@code .columns} file: names as {@code quote_ident} writes them, comma separated, ready for COPY's column list. */
public final class ColumnLine {

    private static final Pattern PLAIN = Pattern.compile("[a-z_][a-z0-9_]*");

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
        int at = 0;
        while (true) {
            while (at < line.length() && line.charAt(at) == ' ') {
                at++;
            }
            StringBuilder name = new StringBuilder();
            if (at < line.length() && line.charAt(at) == '"') {
                at++;
                while (true) {
                    if (at >= line.length()) {
                        throw new IllegalArgumentException("a quoted name has no end");
                    }
                    char c = line.charAt(at++);
                    if (c != '"') {
                        name.append(c);
                    } else if (at < line.length() && line.charAt(at) == '"') {
                        name.append(line.charAt(at++));
                    } else {
                        break;
                    }
                }
            } else {
                while (at < line.length() && line.charAt(at) != ',' && line.charAt(at) != ' ') {
                    name.append(line.charAt(at++));
                }
                if (!PLAIN.matcher(name).matches()) {
                    throw new IllegalArgumentException("a name that is not quoted: " + name);
                }
            }
            if (name.length() == 0 || name.length() > 252 || name.indexOf("\0") >= 0) {
                throw new IllegalArgumentException("a name that no column has");
            }
            columns.add(name.toString());
            while (at < line.length() && line.charAt(at) == ' ') {
                at++;
            }
            if (at == line.length()) {
                break;
            }
            if (line.charAt(at++) != ',' || columns.size() == MOST_COLUMNS) {
                throw new IllegalArgumentException("no comma after " + name);
            }
        }
        if (new HashSet<>(columns).size() != columns.size()) {
            throw new IllegalArgumentException("a name that is there twice");
        }
        return columns;
    }
}
