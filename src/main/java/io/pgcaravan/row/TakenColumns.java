package io.pgcaravan.row;

import java.util.ArrayList;
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
        List<String> columns = new ArrayList<>();
        List<Integer> sources = new ArrayList<>();
        selection.pick(last, (target, source) -> {
            columns.add(target);
            sources.add(source);
        });
        return new Taken(
                sources.stream().mapToInt(Integer::intValue).toArray(),
                columns.isEmpty() ? ColumnSet.NONE : columnSets.computeIfAbsent(columns, ColumnSet::new));
    }
}
