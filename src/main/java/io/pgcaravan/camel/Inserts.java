package io.pgcaravan.camel;

import io.pgcaravan.partition.TableName;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.OpenBatch;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.RowChange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Message;
import org.apache.camel.component.sql.SqlConstants;
import org.apache.camel.support.DefaultMessage;

/**
 * Rows that a chunk's single events became, grouped so that each group is one prepared insert with many rows. Reading them
 * takes them out: each is a message with its statement in the header that {@code sql:} obeys and its rows as the body.
 */
final class Inserts implements Iterable<Message>, OpenBatch.Participant {

    /** @param shape a {@link ColumnSet}, or the list of a map's names */
    private record Group(TableName table, Object shape) {

        @SuppressWarnings("unchecked")
        List<String> columns() {
            return shape instanceof ColumnSet columns ? columns.names() : (List<String>) shape;
        }
    }

    private final CamelContext context;
    private final OpenBatch batch;
    private final Map<Group, List<List<Object>>> groups = new LinkedHashMap<>();

    Inserts(CamelContext context, OpenBatch batch) {
        this.context = context;
        this.batch = batch;
    }

    void add(TableName table, Map<?, ?> row) {
        Object[] values = new Object[row.size()];
        Object shape;
        if (row instanceof RowChange change) {
            // rows of one shape share their column list, so it is enough to compare which one it is
            shape = change.columns();
            for (int i = 0; i < values.length; i++) {
                values[i] = change.text(i);
            }
        } else {
            List<String> columns = new ArrayList<>(values.length);
            for (Map.Entry<?, ?> column : row.entrySet()) {
                values[columns.size()] = column.getValue();
                columns.add(String.valueOf(column.getKey()));
            }
            shape = columns;
        }
        groups.computeIfAbsent(new Group(table, shape), group -> new ArrayList<>())
                .add(Arrays.asList(values));
    }

    @Override
    public Iterator<Message> iterator() {
        List<Message> messages = new ArrayList<>();
        groups.forEach((group, rows) -> {
            Message message = new DefaultMessage(context);
            message.setHeader(SqlConstants.SQL_QUERY, statement(group));
            message.setBody(rows);
            batch.count(rows.size());
            messages.add(message);
        });
        groups.clear();
        return messages.iterator();
    }

    private static String statement(Group group) {
        if (group.columns().isEmpty()) {
            return "insert into " + group.table.quoted() + " default values";
        }
        return "insert into " + group.table.quoted() + " ("
                + group.columns().stream().map(TableName::quote).collect(Collectors.joining(", ")) + ") values ("
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
        groups.clear();
    }
}
