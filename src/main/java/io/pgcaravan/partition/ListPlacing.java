package io.pgcaravan.partition;

import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Places rows by the value of a column, NULL being one. Which texts are one value, and what its partition is called, only
 * the target can say: places are named later.
 */
final class ListPlacing implements Placer {

    private final PlacingColumn placingColumn;
    private final Map<String, Place> places = new HashMap<>();
    private String refusal;

    ListPlacing(PartitionSettings settings) {
        placingColumn = new PlacingColumn(settings);
    }

    @Override
    public Place of(RowChange row) {
        int column = placingColumn.of(row);
        if (column < 0) {
            refusal = placingColumn.missing();
            return null;
        }
        Place place = places.computeIfAbsent(row.text(column), value -> new Place(value, null, null));
        if (place.refusal != null) {
            refusal = place.refusal;
            return null;
        }
        return place;
    }

    @Override
    public String refusal() {
        return refusal;
    }

    @Override
    public Collection<Place> places() {
        return places.values();
    }

    @Override
    public void forgetPartitions() {
        for (Place place : places.values()) {
            place.partition = null;
            place.absent = false;
            place.refusal = null;
        }
    }

    /** Names the places of values, as the column's type sees them. */
    static void name(Connection target, PartitionSettings settings, Parent parent, List<Place> places)
            throws SQLException {
        List<Place> unnamed =
                places.stream().filter(place -> place.named == null).toList();
        Map<String, String> canonical = canonical(
                target,
                parent,
                unnamed.stream()
                        .map(place -> place.value)
                        .filter(value -> value != null)
                        .toList());
        for (Place place : unnamed) {
            String value = place.value == null ? null : canonical.get(place.value);
            place.named = new Partition(settings.partName().ofValue(settings, parent.table(), value), null, null);
            place.bound = new PartitionBound.Value(parent.columnType(), parent.equality(), value);
        }
    }

    /** One text for all texts of a value. */
    private static Map<String, String> canonical(Connection target, Parent parent, List<String> values)
            throws SQLException {
        Map<String, String> canonical = new HashMap<>();
        if (parent.columnType() == null) {
            values.forEach(value -> canonical.put(value, value));
        } else if (!values.isEmpty()) {
            try (PreparedStatement select = target.prepareStatement("select w.text, first_value(w.text::"
                    + parent.columnType() + "::text) over (partition by w.text::" + parent.columnType()
                    + " order by w.text collate \"C\") from unnest(?::text[]) as w (text)")) {
                select.setArray(1, target.createArrayOf("text", values.toArray()));
                try (ResultSet row = select.executeQuery()) {
                    while (row.next()) {
                        canonical.put(row.getString(1), row.getString(2));
                    }
                }
            }
        }
        return canonical;
    }
}
