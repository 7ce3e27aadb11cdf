package io.pgcaravan.load;

import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.sql.TableName;
import java.util.ArrayList;
import java.util.List;

/** A table that rows of a batch go to: the destination table itself or one of its partitions. */
final class Destination {

    /** Its number in this batch. */
    final int number;

    final TableName name;

    /** Null where there is no such table; only the old place of a row may be missing. */
    TargetTable table;

    /** Looked up in this batch. */
    boolean current;

    /** Looked up in this batch under a lock: columns, types and indexes stay what they are. */
    boolean locked;

    /** Changes wait in the stage for their net effect on this table. */
    boolean staged;

    /** Rows without any column, to be inserted with defaults only. */
    long defaults;

    final List<DirectRows> direct = new ArrayList<>(1);

    Destination(int number, TableName name) {
        this.number = number;
        this.name = name;
    }

    String quoted() {
        return name.quoted();
    }

    Layout layout() {
        return table.layout();
    }

    /** Rows of one column set that go straight into the table. */
    static final class DirectRows {

        final ColumnSet columns;
        final CopyShape shape;
        private HeldRows preferred;
        private HeldRows text;
        private int declined;

        DirectRows(ColumnSet columns, CopyShape shape, HeldRows preferred, HeldRows text) {
            this.columns = columns;
            this.shape = shape;
            this.preferred = preferred;
            this.text = text;
        }

        HeldRows preferred() {
            return preferred;
        }

        /** Where a row goes that the preferred format cannot take. */
        HeldRows text() {
            // a column that hardly ever suits the binary format: no further attempts
            if (++declined == 1000) {
                preferred = text;
            }
            return text;
        }
    }
}
