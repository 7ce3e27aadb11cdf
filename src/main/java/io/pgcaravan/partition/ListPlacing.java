package io.pgcaravan.partition;

import io.pgcaravan.row.RowChange;
import java.util.HashMap;
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
    public void forgetPartitions() {
        for (Place place : places.values()) {
            place.partition = null;
            place.absent = false;
            place.refusal = null;
        }
    }
}
