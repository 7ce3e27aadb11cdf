package io.pgcaravan.row;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;

/** A row without a column that {@code fields} names. What it says shows no data. */
final class MissingFieldException extends BadRowException {

    private static final long serialVersionUID = 1L;

    MissingFieldException(Event event, String column) {
        super(
                event,
                "its row" + (event.table() == null ? "" : " of table " + event.table()) + " has no column \"" + column
                        + "\", which fields names; correct fields, let the trigger write the column, or set"
                        + " onMissingField=ignore");
    }
}
