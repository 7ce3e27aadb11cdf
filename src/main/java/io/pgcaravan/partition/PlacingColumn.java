package io.pgcaravan.partition;

import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.RowChange;

/** The column that places rows ({@code partField}), found among each row's. */
final class PlacingColumn {

    private final PartitionSettings settings;
    private ColumnSet columns;
    private int position;

    PlacingColumn(PartitionSettings settings) {
        this.settings = settings;
    }

    /** Where it is among the row's columns; negative where the row has none. */
    int of(RowChange row) {
        ColumnSet names = row.columns();
        if (names != columns) {
            columns = names;
            position = names.position(settings.partField());
        }
        return position;
    }

    /** Why a row without it has no partition. */
    String missing() {
        return "the row has no column \"" + settings.partField() + "\", which places it in a partition of "
                + settings.destTable();
    }
}
