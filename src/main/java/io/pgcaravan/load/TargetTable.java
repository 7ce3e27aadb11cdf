package io.pgcaravan.load;

import java.util.List;

/**
 * What the target's catalog says of one table.
 *
 * @param quoted the name, quoted for SQL, as the step knows the table
 * @param layout its columns; one instance for all tables with equal columns
 * @param uniqueKeys columns of each immediate unique index over plain columns without a predicate
 */
record TargetTable(String quoted, Layout layout, List<List<String>> uniqueKeys) {

    /** Whether two rows with one key cannot both be inserted here. */
    boolean refusesDuplicates(List<String> key) {
        for (List<String> unique : uniqueKeys) {
            if (key.containsAll(unique)) {
                return true;
            }
        }
        return false;
    }

    /** A table's columns in order. */
    record Layout(List<Column> columns) {

        /** The column of that name, or null. */
        Column column(String name) {
            for (Column column : columns) {
                if (column.name().equals(name)) {
                    return column;
                }
            }
            return null;
        }

        /** The operator by which values of that column are one key. */
        String equality(String name) {
            Column column = column(name);
            return column == null ? "operator(pg_catalog.=)" : column.equality();
        }

        /** Whether a column of that name exists and can be written. */
        boolean takes(String name) {
            Column column = column(name);
            return column != null && !column.generated();
        }
    }

    /**
     * One column.
     *
     * @param typeOid {@code pg_attribute.atttypid}
     * @param type the type's SQL name with its modifiers and collation, a domain's base type for a domain
     * @param plainType the same without modifiers
     * @param generated computed from other columns; cannot be written
     * @param identityAlways {@code GENERATED ALWAYS AS IDENTITY}; can be inserted (overriding) but not updated
     * @param style of its texts, null where they depend on no setting
     * @param equality the operator by which values are one key, qualified: a planted {@code =} must not run with our rights
     */
    record Column(
            String name,
            int typeOid,
            String type,
            String plainType,
            boolean generated,
            boolean identityAlways,
            TextStyle style,
            String equality) {

        Column withoutModifiers() {
            return new Column(name, typeOid, plainType, plainType, false, identityAlways, style, equality);
        }
    }
}
