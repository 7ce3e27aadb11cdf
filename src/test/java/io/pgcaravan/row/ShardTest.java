package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.PgServer;
import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shards divide events so that each is taken by exactly one. */
class ShardTest {

    private final List<BadRowException> bad = new ArrayList<>();
    private final OpenBatch batch = new OpenBatch(null, null, StandardCharsets.UTF_8, (open, row) -> bad.add(row));

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8, 100})
    void together_they_take_every_event_once(int shards) throws SQLException {
        Random random = new Random(shards);
        List<Event> events = new ArrayList<>();
        for (int id = 1; id <= 3000; id++) {
            String type =
                    switch (random.nextInt(6)) {
                        case 0 -> "D:id";
                        case 1 -> "U:id";
                        case 2 -> "own type";
                        case 3 -> "I:id,missing";
                        default -> "I:id";
                    };
            String data = random.nextInt(50) == 0 ? "id=%zz" : random.nextInt(50) == 0 ? null : "id=" + id + "&a=x";
            String hash =
                    switch (random.nextInt(6)) {
                        case 0 -> "hash=" + random.nextInt();
                        case 1 -> "x=1&hash=" + random.nextLong() + "&y";
                        case 2 -> "hash=" + (random.nextInt(9) == 0 ? "many" : "-1");
                        case 3 -> "nothing";
                        default -> null;
                    };
            events.add(Event.of(id, Instant.EPOCH, type, data, "public.t", null, hash));
        }
        List<Long> taken = new ArrayList<>();
        int fewest = Integer.MAX_VALUE;
        for (int shard = 0; shard < shards; shard++) {
            List<RowChange> rows = decoder(null, shards, shard).decode(batch, events);
            fewest = Math.min(fewest, rows.size());
            rows.forEach(row -> taken.add(row.event().id()));
        }
        assertThat(fewest).isPositive();
        bad.forEach(row -> taken.add(row.event().id()));
        assertThat(taken)
                .hasSize(3000)
                .containsExactlyInAnyOrderElementsOf(
                        events.stream().map(Event::id).toList());
    }

    @Test
    void the_hash_is_the_one_that_sql_computes() throws SQLException {
        String[][] keys = {{"1"}, {"", "x"}, {null, "é€𝄞"}, {"a,b", "c"}, {"9223372036854775807", "2026-10-02", " "}};
        try (Connection server = DriverManager.getConnection(PgServer.get().createDatabase("shard"));
                PreparedStatement statement = server.prepareStatement(
                        "select ('x' || left(md5(array_to_string(?::text[], ',', '')), 7))::bit(28)::int % ?")) {
            for (String[] key : keys) {
                for (int shards : new int[] {2, 3, 1000}) {
                    statement.setArray(1, server.createArrayOf("text", key));
                    statement.setInt(2, shards);
                    try (ResultSet row = statement.executeQuery()) {
                        row.next();
                        assertThat(new Shard(shards, 0, columns(key.length).names()).ofColumns(row(key)))
                                .isEqualTo(row.getInt(1));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 16})
    void the_producer_s_hash_decides_as_a_mask_does(int shards) {
        Shard shard = new Shard(shards, 0, List.of());
        for (long hash : new long[] {0, 1, -1, -68821088, 1075015857, Integer.MIN_VALUE, Long.MAX_VALUE}) {
            Event event = Event.of(1, Instant.EPOCH, "I:", "a", null, null, "hash=" + hash);
            assertThat(shard.ofProducer(event)).isEqualTo((int) (hash & (shards - 1)));
        }
    }

    @Test
    void the_producer_s_hash_comes_before_anything_is_decoded() throws SQLException {
        Event broken = Event.of(1, Instant.EPOCH, "I:id", "id=%zz", null, null, "hash=5");
        assertThat(decoder(null, 3, 0).decode(batch, List.of(broken))).isEmpty();
        assertThat(bad).isEmpty();
        assertThat(decoder(null, 3, 2).decode(batch, List.of(broken))).isEmpty();
        assertThat(bad).hasSize(1);
    }

    @Test
    void a_truncate_is_for_all_of_them() throws SQLException {
        for (int shard = 0; shard < 3; shard++) {
            Event event = Event.of(1, Instant.EPOCH, "R", "", "public.t", null, "hash=1");
            assertThat(decoder(null, 3, shard).decode(batch, List.of(event)))
                    .singleElement()
                    .matches(row -> row.op() == Op.TRUNCATE);
        }
    }

    @Test
    void an_update_that_changes_the_shard_is_a_change_here_and_a_leave_there() throws SQLException {
        Shard shard = new Shard(2, 0, List.of("region"));
        String here = "eu";
        String there = "us";
        for (int i = 0; shard.ofText(here) == shard.ofText(there); i++) {
            there = "r" + i;
        }
        Event moved =
                Event.of(1, Instant.EPOCH, "U:id", "id=1&region=" + there, "t", "id=1&region=" + here + "&note=old");
        RowChange arrives = decoder("region", 2, shard.ofText(there)).read(batch, moved);
        assertThat(arrives.op()).isEqualTo(Op.UPDATE);
        assertThat(arrives.movesToOtherShard()).isFalse();
        RowChange leaves = decoder("region", 2, shard.ofText(here)).read(batch, moved);
        assertThat(leaves.op()).isEqualTo(Op.DELETE);
        assertThat(leaves.movesToOtherShard()).isTrue();
        assertThat(leaves.with(leaves).movesToOtherShard()).isTrue();
        assertThat(leaves).containsEntry("region", here).containsEntry("note", "old");
        assertThat(leaves.key()).containsExactly("id");
    }

    @Test
    void a_column_of_shardKey_that_rows_lack_is_told_by_one_shard() throws SQLException {
        Event event = Event.of(1, Instant.EPOCH, "I:id", "id=1");
        for (int shard = 0; shard < 4; shard++) {
            assertThat(decoder("region", 4, shard).decode(batch, List.of(event)))
                    .isEmpty();
        }
        assertThat(bad).singleElement().asString().contains("column \"region\" of shardKey");
    }

    @Test
    void settings_that_make_no_sense_are_told_together() {
        assertThat(Shard.of(null, null, null)).isNull();
        assertThatThrownBy(() -> Shard.of("a,,b", 0, 7))
                .hasMessageContaining("shards is 0")
                .hasMessageContaining("shard is 7")
                .hasMessageContaining("shardKey = a,,b");
        assertThatThrownBy(() -> Shard.of("a", null, null)).hasMessageContaining("go together");
        assertThatThrownBy(() -> Shard.of(null, 3, 3)).hasMessageContaining("from 0 to shards - 1, which is 2");
    }

    private static RowDecoder decoder(String shardKey, int shards, int shard) {
        return new ShardedRows(new UrlEncodedRows(RowSelection.ALL), Shard.of(shardKey, shards, shard));
    }

    private static ColumnSet columns(int count) {
        return new ColumnSet(List.of("a", "b", "c").subList(0, count));
    }

    private static RowChange row(String... values) {
        RowChange row = new RowChange(
                Event.of(1, Instant.EPOCH, "I:", ""),
                Op.INSERT,
                List.of(),
                ColumnSet.NONE,
                new byte[0],
                new int[0],
                null);
        for (int i = 0; i < values.length; i++) {
            row.put(columns(3).names().get(i), values[i]);
        }
        return row;
    }
}
