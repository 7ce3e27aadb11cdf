package io.pgcaravan.load;

import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.TableName;
import java.util.ArrayList;
import java.util.List;

/**
 * How rows of one column set meet tables of one layout.
 *
 * @param taken columns that rows and table share and that can be written, in the rows' order
 * @param positions where a row has each of them
 * @param unknown columns of the rows that the table lacks
 */
record CopyShape(ColumnSet columns, List<Column> taken, int[] positions, List<String> unknown) {

    static CopyShape of(ColumnSet columns, Layout layout) {
        List<Column> taken = new ArrayList<>();
        List<Integer> positions = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            Column column = layout.column(columns.names().get(i));
            if (column == null) {
                unknown.add(columns.names().get(i));
            } else if (!column.generated()) {
                taken.add(column);
                positions.add(i);
            }
        }
        return new CopyShape(
                columns,
                List.copyOf(taken),
                positions.stream().mapToInt(Integer::intValue).toArray(),
                List.copyOf(unknown));
    }

    /** The shared columns' names, quoted, comma separated. */
    String list() {
        return TableName.quote(taken.stream().map(Column::name).toList());
    }

    /** Why a row must not be read by PostgreSQL, null where it may: a text that means what a setting says. */
    String refusal(RowChange row) {
        for (int i = 0; i < positions.length; i++) {
            TextStyle style = taken.get(i).style();
            int from = style == null ? -1 : row.from(positions[i]);
            if (from >= 0 && !style.fits(row.bytes(), from, row.to(positions[i]))) {
                String text = row.text(positions[i]);
                return "column " + TableName.quote(taken.get(i).name()) + " ("
                        + taken.get(i).type() + ") has \""
                        + (text.length() > 60 ? text.substring(0, 60) + "..." : text)
                        + "\", which another " + style.setting()
                        + " may read as another value; set " + style.setting()
                        + " for the source's trigger function: caravan check prints the statement";
            }
        }
        return null;
    }

    int[] typeOids() {
        return taken.stream().mapToInt(Column::typeOid).toArray();
    }
}
