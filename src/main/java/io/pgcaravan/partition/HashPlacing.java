package io.pgcaravan.partition;

import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.List;

/**
 * Places rows by the hash of a column. A natively partitioned parent finds the partition itself, by the server's own hash,
 * so that all its rows have one place, which is the parent. Elsewhere the hash is one that SQL can repeat:
 * {@code ('x' || left(md5(value), 8))::bit(32)::bigint % partitions}, of the value's text as the event has it; NULL is in
 * partition 0.
 */
final class HashPlacing implements Placer {

    private final PlacingColumn placingColumn;
    private final MessageDigest digest;
    private final Place routed;
    private final Place[] places;
    private String refusal;

    HashPlacing(PartitionSettings settings, Parent parent) {
        placingColumn = new PlacingColumn(settings);
        if (parent.kind() == Parent.Kind.NATIVE) {
            routed = new Place(null, new Partition(parent.table(), null, null), null);
            places = new Place[0];
            digest = null;
            return;
        }
        routed = null;
        places = new Place[settings.partitions()];
        for (int i = 0; i < places.length; i++) {
            places[i] = of(settings, parent, i);
        }
        try {
            digest = MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has MD5", e);
        }
    }

    /** The place of one remainder. */
    static Place of(PartitionSettings settings, Parent parent, int remainder) {
        return new Place(
                null,
                new Partition(settings.partName().ofRemainder(settings, parent.table(), remainder), null, null),
                new PartitionBound.Remainder(settings.partitions(), remainder));
    }

    @Override
    public Place of(RowChange row) {
        if (routed != null) {
            return routed;
        }
        int column = placingColumn.of(row);
        if (column < 0) {
            refusal = placingColumn.missing();
            return null;
        }
        int from = row.from(column);
        if (from < 0) {
            return places[0];
        }
        digest.update(row.bytes(), from, row.to(column) - from);
        byte[] hash = digest.digest();
        long first = (hash[0] & 0xffL) << 24 | (hash[1] & 0xff) << 16 | (hash[2] & 0xff) << 8 | hash[3] & 0xff;
        return places[(int) (first % places.length)];
    }

    @Override
    public String refusal() {
        return refusal;
    }

    @Override
    public Collection<Place> places() {
        return List.of(places);
    }

    @Override
    public void forgetPartitions() {
        for (Place place : places) {
            place.partition = null;
            place.absent = false;
        }
        if (routed != null) {
            routed.partition = null;
        }
    }
}
