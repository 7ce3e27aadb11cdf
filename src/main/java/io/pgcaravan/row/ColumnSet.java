package io.pgcaravan.row;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The names of a row's columns, in order. Decoding hands out one instance for each distinct list, so rows of one shape
 * can be grouped by identity.
 */
public final class ColumnSet {

    /** No columns at all. */
    static final ColumnSet NONE = new ColumnSet(List.of());

    private final List<String> names;
    private final Map<String, Integer> positions = new HashMap<>();

    /** What {@link #with} answered last; a route's step adds the same column to row after row. */
    private ColumnSet longer;

    public ColumnSet(List<String> names) {
        this.names = List.copyOf(names);
        for (int i = 0; i < names.size(); i++) {
            positions.put(names.get(i), i);
        }
    }

    public List<String> names() {
        return names;
    }

    public int size() {
        return names.size();
    }

    /** Where a column stands, or -1. Names are case-sensitive. */
    public int position(String name) {
        Integer position = positions.get(name);
        return position == null ? -1 : position;
    }

    /** These columns and one more at the end; the same instance for the same name, as long as no other comes between. */
    ColumnSet with(String name) {
        ColumnSet known = longer;
        if (known == null || !known.names.get(names.size()).equals(name)) {
            List<String> more = new ArrayList<>(names);
            more.add(name);
            known = new ColumnSet(more);
            longer = known;
        }
        return known;
    }

    @Override
    public String toString() {
        return names.toString();
    }
}
