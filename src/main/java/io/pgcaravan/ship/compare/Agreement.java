package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.compare.ComparedTable.Column;
import io.pgcaravan.ship.compare.RowHashing.Hash;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.TableName;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** How two sides come to hash their rows alike: by which key, over which columns, with which hash. */
final class Agreement {

    private Agreement() {}

    /**
     * @param here what one server makes of known texts
     * @param there what the other makes of them
     */
    static Hash hash(String here, String there) {
        return here.equals(there) ? Hash.FAST : Hash.MD5;
    }

    /** How the source's rows are to be hashed. */
    static RowHashing hashing(Comparison.Request request, ComparedTable source, int rowsARange, Hash hash) {
        List<String> key = request.key() != null ? request.key() : source.primaryKey();
        if (key.isEmpty()) {
            throw new ChangeSetException(
                    source.name().quoted() + " has no primary key: --key names the columns that tell its rows apart");
        }
        Set<String> columns = new LinkedHashSet<>(
                request.columns() != null
                        ? request.columns()
                        : source.columns().values().stream()
                                .filter(column -> !column.generated())
                                .map(Column::name)
                                .toList());
        columns.addAll(key);
        source.mustHave(List.copyOf(columns));
        // the last one is what counts up within the others
        String block = null;
        for (String column : key) {
            block = source.columns().get(column).whole() ? column : block;
        }
        return RowHashing.of(key, List.copyOf(columns), block, source.rows(), rowsARange, hash);
    }

    /** The same as far as the target's table has to be looked at otherwise; says what else is to be known of both. */
    static RowHashing agreed(RowHashing hashing, ComparedTable source, ComparedTable target, List<String> remarks) {
        target.mustHave(hashing.columns());
        for (String column : hashing.columns()) {
            String here = source.columns().get(column).type();
            String there = target.columns().get(column).type();
            if (!here.equals(there)) {
                remarks.add("column " + TableName.quote(column) + " is " + here + " at the source and " + there
                        + " at the target: equal values may be written differently, and count as different then");
            }
        }
        List<String> generated = source.columns().values().stream()
                .filter(Column::generated)
                .map(Column::name)
                .filter(column -> !hashing.columns().contains(column))
                .toList();
        if (!generated.isEmpty()) {
            remarks.add("generated columns are not compared: " + TableName.quote(generated));
        }
        remarkFurther(hashing, target, remarks);
        boolean both =
                hashing.block() == null || target.columns().get(hashing.block()).whole();
        return both
                ? hashing
                : new RowHashing(
                        hashing.key(), hashing.columns(), null, hashing.shift(), hashing.ranges(), hashing.hash());
    }

    private static void remarkFurther(RowHashing hashing, ComparedTable target, List<String> remarks) {
        List<String> further = target.columns().keySet().stream()
                .filter(column -> !hashing.columns().contains(column))
                .toList();
        if (!further.isEmpty()) {
            remarks.add("further columns of the target are not compared: " + TableName.quote(further));
        }
    }

    /** @throws ChangeSetException where a table cannot be hashed as a digest says */
    static void mustSuit(RowHashing hashing, ComparedTable table, List<String> remarks) {
        table.mustHave(hashing.columns());
        if (hashing.block() != null && !table.columns().get(hashing.block()).whole()) {
            throw new ChangeSetException("column " + TableName.quote(hashing.block())
                    + " of the key is a whole number where the digest was written, and "
                    + table.columns().get(hashing.block()).type() + " in database \"" + table.database() + "\"");
        }
        remarkFurther(hashing, table, remarks);
    }
}
