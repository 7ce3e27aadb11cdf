package io.pgcaravan.camel;

import io.pgcaravan.load.ArrayInserts;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.OpenBatch;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.table.TableName;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Message;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.component.sql.SqlConstants;
import org.apache.camel.support.DefaultMessage;

/**
 * Rows that a chunk's single events became, grouped so that each group is one insert. Reading them takes them out: each is
 * a message with its statement in the header that {@code sql:} obeys and its parameters as the body. Many rows go as
 * arrays, one for each column; few rows, and those that arrays cannot carry, as a batch with the parameters of one row each.
 */
final class Inserts implements Iterable<Message>, OpenBatch.Participant {

    /** From here on a chunk is worth the look at its tables that arrays need, and a group its arrays. */
    private static final int MANY_ROWS = 1000;

    private static final int WORTH_ARRAYS = 20;

    /** @param shape a {@link ColumnSet}, or the list of a map's names */
    private record Group(TableName table, Object shape) {

        @SuppressWarnings("unchecked")
        List<String> columns() {
            return shape instanceof ColumnSet columns ? columns.names() : (List<String>) shape;
        }
    }

    /**
     * Rows of one group.
     *
     * @param changes rows that came from decode, where that made the group's shape; else empty
     * @param values the values of other rows
     */
    private record Rows(List<RowChange> changes, List<List<Object>> values) {

        Rows() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        int count() {
            return changes.size() + values.size();
        }
    }

    private final CamelContext context;
    private final OpenBatch batch;
    private final ArrayInserts arrays;
    private final Map<Group, Rows> groups = new LinkedHashMap<>();
    private int gathered;

    Inserts(CamelContext context, OpenBatch batch) {
        this.context = context;
        this.batch = batch;
        this.arrays = new ArrayInserts(batch.target());
    }

    void add(TableName table, Map<?, ?> row) {
        gathered++;
        if (row instanceof RowChange change) {
            // rows of one shape share their column list, so it is enough to compare which one it is; a copy, because a
            // step
            // behind may still change the row
            rows(table, change.columns()).changes.add(change.copy());
            return;
        }
        Object[] values = new Object[row.size()];
        List<String> columns = new ArrayList<>(values.length);
        for (Map.Entry<?, ?> column : row.entrySet()) {
            values[columns.size()] = column.getValue();
            columns.add(String.valueOf(column.getKey()));
        }
        rows(table, columns).values.add(Arrays.asList(values));
    }

    private Rows rows(TableName table, Object shape) {
        return groups.computeIfAbsent(new Group(table, shape), group -> new Rows());
    }

    @Override
    public Iterator<Message> iterator() {
        try {
            // what goes row by row fails at the row that is to blame
            boolean many = gathered >= MANY_ROWS && !batch.careful();
            if (many) {
                // the chunk before was inserted while this one was on its way
                writer().await();
                arrays.meet(groups.entrySet().stream()
                        .filter(group -> group.getValue().changes.size() >= WORTH_ARRAYS)
                        .map(group -> group.getKey().table)
                        .toList());
            }
            List<Message> messages = new ArrayList<>();
            groups.forEach((group, rows) -> {
                messages.add(message(group, rows, many));
                batch.count(rows.count());
            });
            return messages.iterator();
        } catch (SQLException e) {
            throw new RuntimeCamelException(e);
        } finally {
            clear();
        }
    }

    private Message message(Group group, Rows rows, boolean many) {
        Message message = new DefaultMessage(context);
        ArrayInserts.Insert insert = many && rows.changes.size() >= WORTH_ARRAYS
                ? arrays.of(group.table, (ColumnSet) group.shape, rows.changes)
                : null;
        if (insert != null) {
            writer().expect(insert.statement(), rows.count());
            message.setHeader(SqlConstants.SQL_QUERY, insert.statement());
            message.setBody(List.of(insert.arrays()));
            return message;
        }
        message.setHeader(SqlConstants.SQL_QUERY, statement(group));
        List<List<Object>> values = rows.values;
        rows.changes.forEach(change -> values.add(values(change)));
        message.setBody(values);
        return message;
    }

    private static InsertWriter writer() {
        return Attempt.current().inserts();
    }

    private static List<Object> values(RowChange change) {
        Object[] values = new Object[change.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = change.text(i);
        }
        return Arrays.asList(values);
    }

    private static String statement(Group group) {
        if (group.columns().isEmpty()) {
            return "insert into " + group.table.quoted() + " default values";
        }
        return "insert into " + group.table.quoted() + " ("
                + TableName.quote(group.columns()) + ") values ("
                + group.columns().stream().map(column -> "?").collect(Collectors.joining(", ")) + ")";
    }

    @Override
    public void flush() {
        if (!groups.isEmpty()) {
            Batch of = batch.batch();
            throw new IllegalStateException("collect: gathered rows of " + of
                    + " that no step inserted; after the split into single events, split over ${exchangeProperty."
                    + PgqConstants.INSERTS + "} into an sql: step");
        }
    }

    @Override
    public void rolledBack() {
        clear();
        arrays.forget();
    }

    private void clear() {
        groups.clear();
        gathered = 0;
    }
}
