package io.pgcaravan.partition;

import io.pgcaravan.row.Digests;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Places rows by the hash of a column. A natively partitioned parent finds the partition itself, by the server's own hash,
 * so that all its rows have one place, which is the parent. Elsewhere the hash is one that SQL can repeat:
 * {@code ('x' || left(md5(value), 8))::bit(32)::bigint % partitions}, of the value's text as the event has it; NULL is in
 * partition 0.
 */
final class HashPlacer implements Placer {

    private static final Pattern REMAINDER = Pattern.compile("FOR VALUES WITH \\(modulus (\\d+), remainder (\\d+)\\)");

    private final PlacingColumn placingColumn;
    private final MessageDigest md5 = Digests.md5();
    private final List<Place> places = new ArrayList<>();
    private final boolean routed;
    private String refusal;

    HashPlacer(PartitionSettings settings, Parent parent) {
        placingColumn = new PlacingColumn(settings);
        routed = parent.isNative();
        if (routed) {
            places.add(new Place(null, new Partition(parent.table(), null, null), null));
        } else {
            for (int i = 0; i < settings.partitions(); i++) {
                places.add(of(settings, parent, i));
            }
        }
    }

    /** The place of one remainder. */
    private static Place of(PartitionSettings settings, Parent parent, int remainder) {
        return new Place(
                null,
                new Partition(settings.partName().ofRemainder(settings, parent.table(), remainder), null, null),
                new PartitionBound.Remainder(settings.partitions(), remainder));
    }

    @Override
    public Place of(RowChange row) {
        if (routed) {
            return places.get(0);
        }
        int column = placingColumn.of(row);
        if (column < 0) {
            refusal = placingColumn.missing();
            return null;
        }
        int from = row.from(column);
        if (from < 0) {
            return places.get(0);
        }
        md5.update(row.bytes(), from, row.to(column) - from);
        byte[] hash = md5.digest();
        long first = (hash[0] & 0xffL) << 24 | (hash[1] & 0xff) << 16 | (hash[2] & 0xff) << 8 | hash[3] & 0xff;
        return places.get((int) (first % places.size()));
    }

    @Override
    public String refusal() {
        return refusal;
    }

    @Override
    public Collection<Place> places() {
        return places;
    }

    /**
     * The places of the remainders that no partition of a parent takes that routes its rows itself.
     *
     * @throws PartitionException where partitions with this modulus do not go with those that are there
     */
    static List<Place> missingRemainders(Connection target, PartitionSettings settings, Parent parent)
            throws SQLException {
        List<PartitionBound.Remainder> there = new ArrayList<>();
        for (ListedPartition partition : ListedPartition.read(target, parent, settings.timeZone(), List.of(), true)) {
            Matcher numbers = REMAINDER.matcher(String.valueOf(partition.bound()));
            if (partition.attached() && numbers.matches()) {
                there.add(new PartitionBound.Remainder(
                        Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2))));
            }
        }
        try {
            return PartitionBound.Remainder.missing(there, settings.partitions()).stream()
                    .map(one -> of(settings, parent, one.remainder()))
                    .toList();
        } catch (IllegalArgumentException unfit) {
            throw new PartitionException(
                    "Cannot make the missing partitions of " + parent.table() + ": " + unfit.getMessage(), "42P17");
        }
    }
}
