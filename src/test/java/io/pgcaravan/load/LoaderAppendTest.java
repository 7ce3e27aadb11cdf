package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.RowChange;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LoaderAppendTest {

    private LoadTarget target;
    private final TargetColumns catalog = new TargetColumns();
    private final Changes changes = new Changes("id");

    @BeforeEach
    void connect() throws SQLException {
        target = new LoadTarget("append");
        target.execute(
                "create table orders (id int primary key, item text default 'thing', twice int generated always as (id * 2) stored)",
                "create table orders_1 (like orders including all)",
                "create table orders_2 (like orders including all)");
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

    private static LoadSettings append() {
        return LoadSettings.of("orders", RowMode.APPEND);
    }

    @Test
    void rows_go_to_their_partition_or_to_the_table_itself() throws SQLException {
        OpenBatch batch = load(
                false,
                append(),
                changes.insert("orders_1", "id", 1, "item", "a\tb\\"),
                changes.insert("orders_2", "id", 2, "item", null),
                changes.insert(null, "id", 3, "item", "ü"));
        target.commit(batch);
        assertThat(target.rows("select tableoid::regclass, * from orders_1 union all select tableoid::regclass, * from"
                        + " orders_2 union all select tableoid::regclass, * from orders order by 2"))
                .containsExactly("orders_1|1|a\tb\\|2", "orders_2|2|null|4", "orders|3|ü|6");
        assertThat(batch.rows()).isEqualTo(3);
    }

    @Test
    void every_event_is_a_row_whatever_its_type() throws SQLException {
        target.execute("alter table orders_1 drop constraint orders_1_pkey");
        target.commit(load(
                false,
                append(),
                changes.insert("orders_1", "id", 1),
                changes.update("orders_1", "id", 1),
                changes.delete("orders_1", "id", 1)));
        assertThat(target.rows("select id from orders_1")).containsExactly("1", "1", "1");
    }

    @Test
    void columns_the_event_lacks_get_their_default() throws SQLException {
        target.commit(load(
                false,
                append(),
                changes.insert("orders_1", "id", 1),
                changes.insert("orders_1", "item", "x", "id", 2)));
        assertThat(target.rows("select id, item from orders_1 order by id")).containsExactly("1|thing", "2|x");
    }

    @Test
    void generated_columns_are_left_to_the_target() throws SQLException {
        target.commit(load(false, append(), changes.insert("orders_1", "id", 4, "twice", 99)));
        assertThat(target.rows("select id, twice from orders_1")).containsExactly("4|8");
    }

    @Test
    void a_row_without_columns_gets_all_defaults() throws SQLException {
        target.execute("create table notes (id int generated always as identity, note text default 'none')");
        target.commit(
                load(false, LoadSettings.of("notes", RowMode.APPEND), changes.insert(null), changes.insert(null)));
        assertThat(target.rows("select * from notes order by id")).containsExactly("1|none", "2|none");
    }

    @Test
    void a_column_the_target_lacks_fails_the_batch_by_name() throws SQLException {
        assertThatThrownBy(() -> load(false, append(), changes.insert("orders_1", "id", 1, "colour", "red")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("\"orders_1\"")
                .hasMessageContaining("\"colour\"")
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("42703");
    }

    @Test
    void a_column_the_target_lacks_can_be_ignored() throws SQLException {
        LoadSettings ignoring = new LoadSettings(
                append().table(), RowMode.APPEND, List.of(), OnUnknownColumn.IGNORE, null, true, false);
        target.commit(load(false, ignoring, changes.insert("orders_1", "id", 1, "colour", "red")));
        assertThat(target.rows("select id from orders_1")).containsExactly("1");
    }

    @Test
    void a_column_added_to_the_target_is_used_from_the_next_batch_on() throws SQLException {
        LoadSettings ignoring = new LoadSettings(
                append().table(), RowMode.APPEND, List.of(), OnUnknownColumn.IGNORE, null, true, false);
        target.commit(load(false, ignoring, changes.insert("orders_1", "id", 1, "colour", "red")));
        target.execute("alter table orders_1 add colour text");
        target.commit(load(false, ignoring, changes.insert("orders_1", "id", 2, "colour", "red")));
        assertThat(target.rows("select id, colour from orders_1 order by id")).containsExactly("1|null", "2|red");
    }

    @Test
    void a_column_whose_type_changed_between_batches_is_loaded_right() throws SQLException {
        target.commit(load(false, append(), changes.insert("orders_1", "id", 1, "item", "1145258561")));
        target.execute("alter table orders_1 alter item drop default, alter item type int using item::int");
        target.commit(load(false, append(), changes.insert("orders_1", "id", 2, "item", "1145258561")));
        target.execute("alter table orders_1 alter item type text");
        target.commit(load(false, append(), changes.insert("orders_1", "id", 3, "item", "1145258561")));
        assertThat(target.rows("select distinct item from orders_1")).containsExactly("1145258561");
    }

    @Test
    void a_missing_table_is_named() throws SQLException {
        assertThatThrownBy(() -> load(false, append(), changes.insert("orders_9", "id", 1)))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("table \"orders_9\" does not exist in the target database \"append")
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("42P01");
    }

    @Test
    void a_row_the_target_refuses_is_named_in_the_careful_attempt() throws SQLException {
        RowChange bad = changes.insert("orders_1", "id", "2x");
        OpenBatch batch = load(true, append(), changes.insert("orders_1", "id", 1), bad);
        assertThatThrownBy(batch::flush).isInstanceOfSatisfying(BadRowException.class, e -> {
            assertThat(e.event()).isSameAs(bad.event());
            assertThat(e.sqlState()).isEqualTo("22P02");
        });
        target.rollback(batch);
    }

    @Test
    void an_update_under_a_primary_key_says_which_row_mode_to_choose() throws SQLException {
        RowChange update = changes.update("orders_1", "id", 1);
        OpenBatch batch = load(true, append(), changes.insert("orders_1", "id", 1), update);
        assertThatThrownBy(batch::flush)
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining("rowMode=keep_latest")
                .extracting(e -> ((BadRowException) e).event())
                .isSameAs(update.event());
        target.rollback(batch);
    }

    @Test
    void an_error_met_by_the_writing_thread_surfaces_with_its_sqlstate() throws SQLException {
        OpenBatch batch = target.open();
        Loader loader = batch.participant(this, () -> new Loader(batch, append(), catalog, false));
        List<RowChange> rows = new ArrayList<>();
        for (int i = 0; i < 200_000; i++) {
            rows.add(changes.insert("orders_1", "id", i % 150_000, "item", "some longer text that fills the buffers"));
        }
        assertThatThrownBy(() -> {
                    for (int at = 0; at < rows.size(); at += 1000) {
                        loader.load(rows.subList(at, at + 1000));
                    }
                    loader.flush();
                })
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("orders_1")
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("23505");
        target.rollback(batch);
        assertThat(target.rows("select count(*) from orders_1")).containsExactly("0");
    }

    @Test
    void another_steps_statement_can_learn_what_aborted_the_transaction() throws Exception {
        OpenBatch batch = target.open();
        Loader loader = batch.participant(this, () -> new Loader(batch, append(), catalog, false));
        List<RowChange> rows = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            rows.add(changes.insert("orders_1", "id", i % 15_000, "item", "some longer text that fills the buffers"));
        }
        loader.load(rows);
        Awaitility.await().until(() -> batch.failure() != null);
        assertThat(batch.failure().getSQLState()).isEqualTo("23505");
        assertThatThrownBy(() -> target.rows("select 1"))
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("25P02");
        target.rollback(batch);
        assertThat((Throwable) batch.failure()).isNull();
    }

    @Test
    void nothing_is_under_way_after_a_roll_back() throws SQLException {
        for (int round = 0; round < 20; round++) {
            OpenBatch batch = target.open();
            Loader loader = batch.participant(this, () -> new Loader(batch, append(), catalog, false));
            List<RowChange> rows = new ArrayList<>();
            for (int i = 0; i < 30_000; i++) {
                rows.add(changes.insert("orders_1", "id", i, "item", "some longer text that fills the buffers"));
            }
            for (int at = 0; at < rows.size(); at += 1000) {
                loader.load(rows.subList(at, at + 1000));
            }
            target.rollback(batch);
            assertThat(target.rows("select count(*) from orders_1")).containsExactly("0");
        }
    }

    @Test
    void rows_of_ever_different_columns_are_loaded_in_bounded_memory() throws SQLException {
        OpenBatch batch = target.open();
        Loader loader = batch.participant(this, () -> new Loader(batch, append(), catalog, false));
        List<RowChange> rows = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            RowChange row = changes.insert("orders_1", "id", i);
            row.put("item", "added by the route");
            rows.add(row);
        }
        loader.load(rows);
        target.commit(batch);
        assertThat(target.rows("select count(*), min(item) from orders_1")).containsExactly("5000|added by the route");
    }
}
