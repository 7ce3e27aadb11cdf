package io.pgcaravan.ship.format;

import io.pgcaravan.sql.TableName;
import java.util.List;
import java.util.regex.Pattern;

/** Values from elsewhere, each within its limits. All throw IllegalArgumentException, with a message for people. */
public final class Checked {

    private static final int LONGEST_NAME = 63 * 4;

    private static final Pattern SNAPSHOT = Pattern.compile("\\d{1,19}:\\d{1,19}:(\\d{1,19}(,\\d{1,19})*)?");

    private Checked() {}

    public static String text(String field, String value, int longest) {
        if (value.isEmpty() || value.length() > longest || value.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "\"" + field + "\" must have 1 to " + longest + " characters, and no NUL");
        }
        return value;
    }

    /** A name of something in PostgreSQL. */
    public static String name(String field, String value) {
        return text(field, value, LONGEST_NAME);
    }

    public static void table(TableName table) {
        name("schema", table.schema());
        name("name", table.name());
    }

    public static void target(Target target) {
        text("host", target.host(), 1024);
        name("database", target.database());
    }

    public static List<String> names(String field, List<String> names, int most) {
        count(field, names, most);
        names.forEach(name -> name(field, name));
        return List.copyOf(names);
    }

    public static void count(String field, List<?> items, int most) {
        if (items.isEmpty() || items.size() > most) {
            throw new IllegalArgumentException(
                    "\"" + field + "\" must have 1 to " + most + " entries, and has " + items.size());
        }
    }

    public static void number(String field, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    "\"" + field + "\" must be from " + least + " to " + most + ", and is " + value);
        }
    }

    /** A {@code pg_snapshot} as PostgreSQL prints it. */
    public static void snapshot(String value) {
        if (!SNAPSHOT.matcher(text("snapshot", value, 100_000)).matches()) {
            throw new IllegalArgumentException("\"snapshot\" must be a pg_snapshot");
        }
    }
}
