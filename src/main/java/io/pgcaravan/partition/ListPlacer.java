package io.pgcaravan.partition;

import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Places rows by the value of a column, NULL being one. Which texts are one value, and what its partition is called, only
 * the target can say: places are named later.
 */
final class ListPlacer implements Placer {

    private static final Pattern VALUES = Pattern.compile("FOR VALUES IN \\((.*)\\)", Pattern.DOTALL);

    private final PlacingColumn placingColumn;
    private final Map<String, Place> places = new HashMap<>();
    private String refusal;

    ListPlacer(PartitionSettings settings) {
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
        refusal = place.refusal;
        return refusal == null ? place : null;
    }

    @Override
    public String refusal() {
        return refusal;
    }

    @Override
    public Collection<Place> places() {
        return places.values();
    }

    /** Names the places of values, as the column's type sees them. */
    static void name(Connection target, PartitionSettings settings, Parent parent, List<Place> places)
            throws SQLException {
        List<Place> unnamed =
                places.stream().filter(place -> place.named == null).toList();
        String[] values = unnamed.stream()
                .map(place -> place.value)
                .filter(Objects::nonNull)
                .toArray(String[]::new);
        Map<String, String> canonical = canonical(target, parent.columnType(), values);
        for (Place place : unnamed) {
            String value = canonical.getOrDefault(place.value, place.value);
            place.named = new Partition(settings.partName().ofValue(settings, parent.table(), value), null, null);
            place.bound = new PartitionBound.Value(parent.columnType(), parent.equality(), value);
        }
    }

    /** One text for all texts of a value. */
    private static Map<String, String> canonical(Connection target, String type, String[] values) throws SQLException {
        Map<String, String> canonical = new HashMap<>();
        if (type != null && values.length > 0) {
            String sql = """
                    select w.text, first_value(w.text::%1$s::text) over (partition by w.text::%1$s order by w.text collate "C")
                      from unnest(?::text[]) as w (text)""";
            Query.all(target, sql.formatted(type), row -> canonical.put(row.getString(1), row.getString(2)), (Object)
                    values);
        }
        return canonical;
    }

    /** Finds the partitions that hold values, under whatever name. */
    static Map<Place, TableName> holders(
            Connection target, Parent parent, List<ListedPartition> partitions, List<Place> places)
            throws SQLException {
        Map<Long, TableName> tables = new HashMap<>();
        StringBuilder held = new StringBuilder();
        for (ListedPartition partition : partitions) {
            Matcher values = VALUES.matcher(String.valueOf(partition.bound()));
            if (partition.attached() && values.matches()) {
                tables.put(partition.oid(), partition.table());
                // what the server wrote there are literals, as it would read them
                held.append(held.isEmpty() ? "" : " union all ")
                        .append("select %d, unnest(array[%s]::%s[])"
                                .formatted(partition.oid(), values.group(1), parent.columnType()));
            }
        }
        Map<Place, TableName> holders = new HashMap<>();
        if (!held.isEmpty()) {
            String sql = """
                    select w.n, h.oid
                      from unnest(?::text[]) with ordinality as w (text, n)
                      join (%s) as h (oid, value)
                        on h.value %s w.text::%s or h.value is null and w.text is null""";
            Object values = places.stream().map(place -> place.value).toArray(String[]::new);
            Query.all(
                    target,
                    sql.formatted(held, parent.equality(), parent.columnType()),
                    row -> holders.put(places.get(row.getInt(1) - 1), tables.get(row.getLong(2))),
                    values);
        }
        return holders;
    }
}
