package io.pgcaravan.row;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Makes rows of events of one format. Not thread-safe, and cheap only when kept. */
public interface RowDecoder {

    /** What an event says that happened, by its type alone. */
    Op op(Event event);

    /**
     * Reads one event.
     *
     * @return null where it is left out
     * @throws BadRowException where it holds no row; the batch was not told yet
     */
    RowChange read(OpenBatch batch, Event event);

    /**
     * Decodes one event.
     *
     * @return null where it is left out, or was rejected as a bad row
     * @throws BadRowException where the batch stops at a bad row
     */
    default RowChange decode(OpenBatch batch, Event event) throws SQLException {
        try {
            RowChange row = read(batch, event);
            if (row == null) {
                batch.account().leaveOut(event, "eventTypes, shard");
            }
            return row;
        } catch (BadRowException e) {
            batch.reject(e);
            return null;
        }
    }

    /**
     * Decodes events in order; those that are left out and those rejected as bad rows are not in the answer.
     *
     * @throws BadRowException where the batch stops at a bad row
     */
    default List<RowChange> decode(OpenBatch batch, List<Event> events) throws SQLException {
        List<RowChange> rows = new ArrayList<>(events.size());
        for (Event event : events) {
            RowChange row = decode(batch, event);
            if (row != null) {
                rows.add(row);
            }
        }
        return rows;
    }
}
