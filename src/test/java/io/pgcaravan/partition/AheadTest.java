package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.partition.retention.Upkeep;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The current partition and those of the time ahead are there before their first row. */
class AheadTest {

    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-10-30T23:30:00Z"), ZoneOffset.UTC);

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("ahead");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static PartitionOptions orders(int ahead) {
        return new PartitionOptions("orders").with(o -> {
            o.partField = "day";
            o.ahead = ahead;
        });
    }

    private Upkeep.Round round(PartitionSettings settings) throws SQLException {
        return round(settings, new Partitioner(settings, CLOCK));
    }

    private Upkeep.Round round(PartitionSettings settings, Partitioner partitioner) throws SQLException {
        return new Upkeep(settings, partitioner, CLOCK).round(target.connection, "loader");
    }

    @Test
    void native_partitions_are_made_as_a_batch_would() throws SQLException {
        target.execute("create table orders (id int, day timestamptz, primary key (id, day)) partition by range (day)");
        PartitionSettings settings =
                orders(2).with(o -> o.timeZone = "Europe/Riga").settings();

        Upkeep.Round round = round(settings);

        assertThat(round.problems()).isEmpty();
        assertThat(round.done())
                .containsExactly(
                        "made public.orders_2026_10_31, public.orders_2026_11_01, public.orders_2026_11_02 ahead");
        assertThat(target.partitions("orders"))
                .first()
                .isEqualTo(
                        "orders_2026_10_31|FOR VALUES FROM ('2026-10-30 22:00:00+00') TO ('2026-10-31 22:00:00+00')");
        assertThat(round(settings).done()).isEmpty();
        assertThat(target.rows("select partition_name from caravan.partition order by 1"))
                .hasSize(3);

        target.apply(new Partitioner(settings, CLOCK), row("id", 1, "day", "2026-11-01 12:00+02"));
        assertThat(target.rows("select tableoid::regclass from orders")).containsExactly("orders_2026_11_01");
    }

    @Test
    void tables_that_inherit_and_longer_periods_are_made_ahead() throws SQLException {
        target.execute("create table orders (id int primary key, day date)");

        assertThat(round(orders(3).with(o -> o.period = "month").settings()).problems())
                .isEmpty();

        assertThat(target.tables("orders_"))
                .containsExactly("orders_2026_10", "orders_2026_11", "orders_2026_12", "orders_2027_01");
    }

    @Test
    void no_partition_is_made_outside_the_allowed_window() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");

        round(orders(5).with(o -> o.newest = "2026-11-01").settings());

        assertThat(target.tables("orders_"))
                .containsExactly("orders_2026_10_30", "orders_2026_10_31", "orders_2026_11_01");
    }

    @Test
    void a_template_that_wants_the_events_key_waits_for_an_event() throws SQLException {
        PartitionSettings settings = orders(1)
                .with(o -> o.partTemplate = "create table _DEST_TABLE (id int, day date, primary key (_PKEY))")
                .settings();
        Partitioner partitioner = new Partitioner(settings, CLOCK);

        Upkeep.Round early = round(settings, partitioner);
        assertThat(early.early()).isTrue();
        assertThat(target.tables("orders_")).isEmpty();

        target.apply(partitioner, row("id", 1, "day", "2026-10-30"));
        assertThat(round(settings, partitioner).problems()).isEmpty();
        assertThat(target.rows("select conrelid::regclass, pg_get_constraintdef(oid) from pg_constraint"
                        + " where contype = 'p' and conrelid::regclass::text ~ 'orders' order by 1"))
                .containsExactly("orders_2026_10_30|PRIMARY KEY (id)", "orders_2026_10_31|PRIMARY KEY (id)");
    }

    @Test
    void a_lock_that_is_not_to_be_had_is_told_and_not_waited_for() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        PartitionSettings settings = orders(1).settings();
        try (Connection other = target.connect()) {
            other.setAutoCommit(false);
            PartitionTarget.execute(other, "lock table orders in share mode");
            assertThat(round(settings).problems())
                    .singleElement()
                    .asString()
                    .contains("for the time ahead", "lock timeout");
        }
        assertThat(round(settings).done()).hasSize(1);
    }
}
