package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LoaderKeyedTest {

    private LoadTarget target;
    private final TargetColumns catalog = new TargetColumns();
    private final Changes changes = new Changes("id");

    @BeforeEach
    void connect() throws SQLException {
        target = new LoadTarget("keyed");
        target.execute(
                "create table orders (id int, item text default 'thing', own text default 'kept')",
                "create table orders_1 (primary key (id)) inherits (orders)",
                "create table orders_2 (primary key (id)) inherits (orders)");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private OpenBatch load(boolean careful, LoadSettings settings, RowChange... rows) throws SQLException {
        OpenBatch batch = target.open();
        Loader loader = batch.participant(this, () -> new Loader(batch, settings, catalog, careful));
        loader.load(List.of(rows));
        return batch;
    }

    private List<String> rows() throws SQLException {
        return target.rows("select tableoid::regclass, id, item, own from orders order by id");
    }

    @Test
    void a_row_that_moves_keeps_the_columns_only_the_target_has() throws SQLException {
        target.execute("insert into orders_1 values (1, 'old', 'precious')");
        target.commit(load(
                false, LoadSettings.of("orders", RowMode.PLAIN), changes.update("orders_2", "id", 1, "item", "new")));
        assertThat(rows()).containsExactly("orders_2|1|new|precious");
    }

    @Test
    void keep_latest_touches_the_events_own_partition_only() throws SQLException {
        target.execute("insert into orders_1 values (1, 'old', 'precious')");
        target.commit(load(
                false,
                LoadSettings.of("orders", RowMode.KEEP_LATEST),
                changes.update("orders_2", "id", 1, "item", "new")));
        assertThat(rows()).containsExactlyInAnyOrder("orders_1|1|old|precious", "orders_2|1|new|kept");
    }

    @ParameterizedTest
    @EnumSource(
            value = RowMode.class,
            names = {"KEEP_LATEST", "PLAIN"})
    void an_insert_of_a_key_that_exists_is_refused_at_first_and_replaces_it_in_the_careful_attempt(RowMode mode)
            throws SQLException {
        target.execute("insert into orders_1 values (1, 'old', 'precious')");
        RowChange again = changes.insert("orders_1", "id", 1, "item", "new");
        OpenBatch fast = load(false, LoadSettings.of("orders", mode), again);
        assertThatThrownBy(fast::flush)
                .isInstanceOf(SQLException.class)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("23505");
        target.rollback(fast);
        target.commit(load(true, LoadSettings.of("orders", mode), again));
        assertThat(rows()).containsExactly("orders_1|1|new|kept");
    }

    @ParameterizedTest
    @EnumSource(
            value = RowMode.class,
            names = {"KEEP_LATEST", "PLAIN"})
    void without_a_key_the_job_says_how_to_name_one(RowMode mode) {
        RowChange keyless = new Changes().insert("orders_1", "id", 1);
        assertThatThrownBy(() -> load(false, LoadSettings.of("orders", mode), keyless))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("key=");
    }

    @Test
    void a_key_can_be_named_by_the_job() throws SQLException {
        Changes keyless = new Changes();
        target.commit(load(
                false,
                LoadSettings.of("orders", RowMode.PLAIN, "id"),
                keyless.insert("orders_1", "id", 1, "item", "a"),
                keyless.update("orders_1", "id", 1, "item", "b")));
        assertThat(rows()).containsExactly("orders_1|1|b|kept");
    }

    @Test
    void a_row_without_its_key_is_a_bad_row() throws SQLException {
        Changes keyless = new Changes();
        RowChange nullKey = keyless.insert("orders_1", "id", null, "item", "a");
        RowChange noKey = keyless.update("orders_1", "item", "b");
        RowChange other = keyless.change(Op.OTHER, "orders_1", null, "id", 3);
        target.commit(load(
                false,
                LoadSettings.of("orders", RowMode.PLAIN, "id"),
                nullKey,
                noKey,
                other,
                keyless.insert("orders_1", "id", 2)));
        assertThat(target.rejected)
                .extracting(BadRowException::event)
                .containsExactly(nullKey.event(), noKey.event(), other.event());
        assertThat(rows()).containsExactly("orders_1|2|thing|kept");
    }

    @Test
    void a_staged_row_of_the_wrong_type_is_named_in_the_careful_attempt() throws SQLException {
        RowChange good = changes.insert("orders_1", "id", 2);
        RowChange bad = changes.update("orders_1", "id", "1x");
        OpenBatch batch = load(true, LoadSettings.of("orders", RowMode.PLAIN), good, bad);
        assertThatThrownBy(batch::flush)
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining("orders_1")
                .extracting(e -> ((BadRowException) e).event())
                .isSameAs(bad.event());
        target.rollback(batch);
    }

    @Test
    void truncation_voids_what_came_before_and_empties_all_partitions() throws SQLException {
        target.execute("insert into orders_1 values (1), (2)", "insert into orders values (3)");
        OpenBatch batch = target.open();
        target.execute("create table orders_3 (like orders)", "insert into orders_3 values (4)");
        Loader loader = batch.participant(
                this, () -> new Loader(batch, LoadSettings.of("orders", RowMode.PLAIN), catalog, false));
        loader.load(List.of(
                changes.insert("orders_3", "id", 5),
                changes.update("orders_1", "id", 6),
                changes.truncate(),
                changes.insert("orders_2", "id", 7),
                changes.update("orders_2", "id", 7, "item", "after")));
        batch.flush();
        target.execute("alter table orders_3 inherit orders");
        target.commit(batch);
        assertThat(rows()).containsExactly("orders_2|7|after|kept");
    }

    @Test
    void truncation_can_be_ignored_or_stop_the_job() throws SQLException {
        target.execute("insert into orders_1 values (1)");
        LoadSettings keepAll = LoadSettings.of("orders", RowMode.KEEP_ALL);
        assertThatThrownBy(() -> load(false, keepAll, changes.truncate()))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("onTruncate=apply");
        target.rollback(target.open());
        LoadSettings ignoring = new LoadSettings(
                keepAll.table(), RowMode.PLAIN, List.of(), OnUnknownColumn.FAIL, OnTruncate.IGNORE, true, false);
        target.commit(load(false, ignoring, changes.truncate()));
        assertThat(rows()).containsExactly("orders_1|1|thing|kept");
    }

    @Test
    void an_identity_column_that_is_no_key_is_updated_too() throws SQLException {
        target.execute(
                "create table notes (id text primary key, n int generated always as identity, item text, own text default 'kept')");
        LoadSettings plain = LoadSettings.of("notes", RowMode.PLAIN);
        target.commit(
                load(false, plain, changes.insert(null, "id", "a", "n", 7), changes.insert(null, "id", "b", "n", 8)));
        target.execute("update notes set own = 'precious'");
        target.commit(load(
                false,
                plain,
                changes.update(null, "id", "a", "n", 7, "item", "same"),
                changes.update(null, "id", "b", "n", 9, "item", "other"),
                changes.update(null, "id", "c", "n", 10, "item", "missing")));
        assertThat(target.rows("select * from notes order by id"))
                .containsExactly("a|7|same|precious", "b|9|other|precious", "c|10|missing|kept");
    }

    @Test
    void an_identity_column_of_partitions_is_updated_too() throws SQLException {
        for (String table : List.of("orders_1", "orders_2")) {
            target.execute(
                    "drop table " + table,
                    "create table " + table
                            + " (id int primary key, item text, own text, n int generated always as identity)");
        }
        target.execute(
                "drop table orders",
                "create table orders (like orders_1)",
                "alter table orders_1 inherit orders",
                "alter table orders_2 inherit orders");
        LoadSettings plain = LoadSettings.of("orders", RowMode.PLAIN);
        target.commit(load(
                false,
                plain,
                changes.insert("orders_1", "id", 1, "n", 7),
                changes.insert("orders_1", "id", 2, "n", 8)));
        target.commit(load(
                false,
                plain,
                changes.update("orders_1", "id", 1, "n", 17, "item", "x"),
                changes.update("orders_2", "id", 2, "n", 8, "item", "y")));
        assertThat(target.rows("select tableoid::regclass, id, n, item from orders order by id"))
                .containsExactly("orders_1|1|17|x", "orders_2|2|8|y");
    }

    @Test
    void a_table_with_too_many_columns_is_told_apart_from_a_missing_right() throws SQLException {
        String columns = java.util.stream.IntStream.range(0, 1596)
                .mapToObj(i -> ", c" + i + " int")
                .collect(java.util.stream.Collectors.joining());
        target.execute("create table wide (id int primary key" + columns + ")");
        assertThatThrownBy(() -> load(false, LoadSettings.of("wide", RowMode.PLAIN), changes.update(null, "id", 1)))
                .hasMessageContaining("at most 1594 columns")
                .hasMessageNotContaining("TEMPORARY");
        target.connection.rollback();
        target.connection.setAutoCommit(true);
    }

    @Test
    void identity_columns_take_the_events_values() throws SQLException {
        target.execute("create table numbered (id int generated always as identity primary key, item text)");
        LoadSettings plain = LoadSettings.of("numbered", RowMode.PLAIN);
        target.commit(load(
                false,
                plain,
                changes.insert(null, "id", 41, "item", "a"),
                changes.update(null, "id", 41, "item", "b"),
                changes.update(null, "id", 42, "item", "c")));
        assertThat(target.rows("select * from numbered order by id")).containsExactly("41|b", "42|c");
    }

    @Test
    void many_shapes_of_rows_in_one_batch_come_out_right() throws SQLException {
        StringBuilder columns = new StringBuilder();
        for (int i = 0; i < 10; i++) {
            columns.append(", c").append(i).append(" int");
        }
        target.execute("create table wide (id int primary key" + columns + ")");
        List<RowChange> rows = new ArrayList<>();
        for (int i = 0; i < 1024; i++) {
            List<Object> values = new ArrayList<>(List.of("id", 1));
            for (int bit = 0; bit < 10; bit++) {
                if ((i >> bit & 1) == 1) {
                    values.add("c" + bit);
                    values.add(i);
                }
            }
            rows.add(changes.update(null, values.toArray()));
        }
        target.commit(load(false, LoadSettings.of("wide", RowMode.PLAIN), rows.toArray(RowChange[]::new)));
        assertThat(target.rows("select * from wide"))
                .containsExactly("1|1023|1023|1023|1023|1023|1023|1023|1023|1023|1023");
    }

    @Test
    void a_default_partition_gives_up_rows_that_move_out_of_it() throws SQLException {
        target.execute(
                "create table native (id int, place int, own text default 'kept') partition by list (place)",
                "create table native_0 partition of native default",
                "insert into native values (1, 5, 'precious')");
        OpenBatch batch = target.open();
        target.execute("create table native_2 (like native including all)");
        Loader loader = batch.participant(
                this, () -> new Loader(batch, LoadSettings.of("native", RowMode.PLAIN), catalog, false));
        loader.load(List.of(changes.update("native_2", "id", 1, "place", 2)));
        batch.flush();
        target.execute("alter table native attach partition native_2 for values in (2)");
        target.commit(batch);
        assertThat(target.rows("select tableoid::regclass, * from native")).containsExactly("native_2|1|2|precious");
    }
}
