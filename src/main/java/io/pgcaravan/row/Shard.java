package io.pgcaravan.row;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * One of the equal parts into which hashing divides a queue's rows, so that several consumers share its work. The hash is the
 * producer's where the event carries one ({@code hash=N} in ev_extra3; the shard is {@code N} modulo {@code shards}, for a
 * power of two the same as Skytools' {@code hash & mask}), else that of the key, which SQL can compute too:
 * {@code ('x' || left(md5(key), 7))::bit(28)::int % shards}, of several columns joined by commas, NULL as the empty string.
 *
 * @param shards how many there are
 * @param number which one this is, from 0
 * @param key the columns that are hashed, by their names in the target; empty for the event's own key
 */
public record Shard(int shards, int number, List<String> key) {

    /** What {@link #ofProducer} answers where the event carries no hash. */
    static final int NOT_SAID = -1;

    private static final String HASH = "hash=";

    public Shard {
        key = List.copyOf(key);
    }

    /**
     * Reads the settings as people write them.
     *
     * @param shardKey comma separated columns, null for the event's key
     * @return null where none of them is given
     * @throws IllegalArgumentException that lists everything that makes no sense
     */
    public static Shard of(String shardKey, Integer shards, Integer shard) {
        if (shardKey == null && shards == null && shard == null) {
            return null;
        }
        List<String> problems = new ArrayList<>();
        if (shards == null || shard == null) {
            problems.add("shards (how many) and shard (which one, from 0) go together");
        } else {
            if (shards < 1) {
                problems.add("shards is " + shards + ", must be >= 1");
            }
            if (shard < 0 || shard >= shards) {
                problems.add("shard is " + shard + ", must be from 0 to shards - 1, which is " + (shards - 1));
            }
        }
        List<String> key = new ArrayList<>();
        if (shardKey != null) {
            for (String column : shardKey.split(",", -1)) {
                if (column.isBlank()) {
                    problems.add("shardKey = " + shardKey + ": a column is missing");
                }
                key.add(column.strip());
            }
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        return new Shard(shards, shard, key);
    }

    /** The shard that the producer's hash names, {@link #NOT_SAID} where the event carries none. */
    int ofProducer(Event event) {
        if (event.extraFrom(3) < 0) {
            return NOT_SAID;
        }
        for (String piece : event.extra(3).split("&", -1)) {
            if (piece.startsWith(HASH)) {
                try {
                    return (int) Math.floorMod(Long.parseLong(piece.substring(HASH.length())), (long) shards);
                } catch (NumberFormatException e) {
                    throw new BadRowException(
                            event, "ev_extra3 has \"" + piece + "\", whose hash is not a whole number");
                }
            }
        }
        return NOT_SAID;
    }

    /** The shard that a row's columns hash to. */
    int ofColumns(RowChange row) {
        List<String> names = key.isEmpty() ? row.key() : key;
        if (names.isEmpty()) {
            throw new BadRowException(
                    row.event(),
                    row.missingKey() == null
                            ? "its shard cannot be told: the event names no key; name columns in shardKey"
                            : "its shard cannot be told: the row lacks the key's column \"" + row.missingKey()
                                    + "\"; take it into fields, or name other columns in shardKey");
        }
        MessageDigest md5 = Digests.md5();
        for (int i = 0; i < names.size(); i++) {
            int column = row.columns().position(names.get(i));
            if (column < 0) {
                throw new BadRowException(
                        row.event(),
                        "its shard cannot be told: the row lacks the column \"" + names.get(i) + "\" of shardKey");
            }
            if (i > 0) {
                md5.update((byte) ',');
            }
            if (!row.isNull(column)) {
                md5.update(row.bytes(), row.from(column), row.to(column) - row.from(column));
            }
        }
        return inShards(md5.digest());
    }

    /** The shard of a text, as {@link #ofColumns} finds it for a key of one column. */
    int ofText(String text) {
        return inShards(Digests.md5().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    private int inShards(byte[] digest) {
        int first28Bits =
                (digest[0] & 0xff) << 20 | (digest[1] & 0xff) << 12 | (digest[2] & 0xff) << 4 | (digest[3] & 0xf0) >> 4;
        return first28Bits % shards;
    }
}
