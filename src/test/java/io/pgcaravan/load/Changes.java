package io.pgcaravan.load;

import io.pgcaravan.batch.Event;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes row changes for tests, as decoding and the partition step would. */
final class Changes {

    private final List<String> key;
    private final Map<List<String>, ColumnSet> columnSets = new HashMap<>();
    private final Map<String, Partition> partitions = new HashMap<>();
    private long lastId;

    Changes(String... key) {
        this.key = List.of(key);
    }

    RowChange insert(String partition, Object... namesAndValues) {
        return change(Op.INSERT, partition, null, namesAndValues);
    }

    RowChange update(String partition, Object... namesAndValues) {
        return change(Op.UPDATE, partition, null, namesAndValues);
    }

    RowChange delete(String partition, Object... namesAndValues) {
        return change(Op.DELETE, partition, null, namesAndValues);
    }

    RowChange truncate() {
        return change(Op.TRUNCATE, null, null);
    }

    /**
     * @param partition null for the destination table itself
     * @param namesAndValues name, value, name, value, …; values by their toString, null for NULL
     */
    RowChange change(Op op, String partition, RowChange before, Object... namesAndValues) {
        List<String> names = new ArrayList<>();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int[] bounds = new int[namesAndValues.length];
        for (int i = 0; i < namesAndValues.length; i += 2) {
            names.add((String) namesAndValues[i]);
            Object value = namesAndValues[i + 1];
            bounds[i] = value == null ? -1 : bytes.size();
            if (value != null) {
                bytes.writeBytes(value.toString().getBytes(StandardCharsets.UTF_8));
            }
            bounds[i + 1] = value == null ? -1 : bytes.size();
        }
        Event event = Event.of(++lastId, Instant.EPOCH, type(op), "");
        RowChange change = new RowChange(
                event,
                op,
                names.containsAll(key) ? key : List.of(),
                columnSets.computeIfAbsent(names, ColumnSet::new),
                bytes.toByteArray(),
                bounds,
                before);
        if (partition != null) {
            change.place(partition(partition));
        }
        return change;
    }

    Partition partition(String table) {
        return partitions.computeIfAbsent(table, name -> new Partition(TableName.parse(name), null, null));
    }

    private String type(Op op) {
        String keys = String.join(",", key);
        return switch (op) {
            case INSERT -> "I:" + keys;
            case UPDATE -> "U:" + keys;
            case DELETE -> "D:" + keys;
            case TRUNCATE -> "R";
            case OTHER -> "other";
        };
    }
}
