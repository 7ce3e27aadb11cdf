package io.pgcaravan.row;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Says which of a row's values are taken. One {@link ColumnSet} for each list of names, as far as they are remembered. */
final class TakenColumns {

    /** Distinct column lists that a decoder remembers; there are a handful unless a producer makes them up. */
    static final int REMEMBERED = 1000;

    /** @param sources for each column taken, which of the row's values it is */
    record Taken(int[] sources, ColumnSet columns) {}

    private final RowSelection selection;
    private final Map<List<String>, ColumnSet> columnSets = new HashMap<>();

    TakenColumns(RowSelection selection) {
        this.selection = selection;
    }

    void forget() {
        columnSets.clear();
    }

    /** @param names of a row's values, in the event's order; of a name that comes twice the last value counts */
    Taken of(List<String> names) {
        Map<String, Integer> last = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            last.put(names.get(i), i);
        }
        List<RowSelection.Field> fields = selection.taken(last.keySet());
        List<String> columns = fields.stream().map(RowSelection.Field::target).toList();
        return new Taken(
                fields.stream().mapToInt(field -> last.get(field.source())).toArray(),
                columns.isEmpty() ? ColumnSet.NONE : columnSets.computeIfAbsent(columns, ColumnSet::new));
    }
}
