package io.pgcaravan.sql;

import java.util.Collection;
import java.util.stream.Collectors;

/**
 * A table's name: an optional schema and a name, both raw (unquoted) text.
 *
 * @param schema null where the search path decides
 */
public record TableName(String schema, String name) {

    /** Reads raw text whose first dot separates the schema, as table_dispatcher's {@code dest_table} is written. */
    public static TableName parse(String raw) {
        int dot = raw.indexOf('.');
        return dot < 0 ? new TableName(null, raw) : new TableName(raw.substring(0, dot), raw.substring(dot + 1));
    }

    /** Whether two names mean one table, as far as names tell: one of them may leave the schema to the search path. */
    public boolean mayBe(TableName other) {
        return equals(other) || name.equals(other.name) && (schema == null || other.schema == null);
    }

    /** The name quoted for SQL, with its schema where it has one. */
    public String quoted() {
        return schema == null ? quote(name) : quote(schema) + "." + quote(name);
    }

    /** One identifier quoted for SQL. */
    public static String quote(String identifier) {
        if (identifier.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a NUL character in an identifier");
        }
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    /** Identifiers quoted for SQL, with commas between. */
    public static String quote(Collection<String> identifiers) {
        return quote(identifiers, "");
    }

    /** The same, each behind an alias and a dot, {@code t.} for instance. */
    public static String quote(Collection<String> identifiers, String alias) {
        return identifiers.stream().map(name -> alias + quote(name)).collect(Collectors.joining(", "));
    }

    /** The raw text that {@link #parse} reads; for messages. */
    @Override
    public String toString() {
        return schema == null ? name : schema + "." + name;
    }
}
