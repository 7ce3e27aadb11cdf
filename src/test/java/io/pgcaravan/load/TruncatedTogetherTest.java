package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.OpenBatch;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code truncate parent, child} at the source empties both tables at the target, which a foreign key connects there too. */
class TruncatedTogetherTest {

    private LoadTarget target;
    private final Changes changes = new Changes("id");

    @BeforeEach
    void connect() throws SQLException {
        target = new LoadTarget("together");
        target.execute(
                "create table parent (id int primary key)", "create table child (id int primary key, parent int)");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private void refer(String how) throws SQLException {
        target.execute(
                "alter table child add constraint child_parent foreign key (parent) references parent " + how,
                "insert into parent values (1), (2)",
                "insert into child values (5, 1), (6, 2)");
    }

    private Loader loader(OpenBatch batch, String table, RowMode mode) {
        return batch.participant(
                table, () -> new Loader(batch, LoadSettings.of(table, mode), new TargetColumns(), false));
    }

    @ParameterizedTest
    @CsvSource({
        "deferrable initially deferred, PLAIN",
        "deferrable initially immediate, PLAIN",
        "deferrable initially deferred, KEEP_LATEST"
    })
    void both_are_emptied_in_either_order(String how, RowMode mode) throws SQLException {
        refer(how);
        for (List<String> order : List.of(List.of("parent", "child"), List.of("child", "parent"))) {
            OpenBatch batch = target.open();
            // rows that wait for their check, so that TRUNCATE is refused
            loader(batch, "child", mode).load(List.of(changes.insert(null, "id", 7, "parent", 1)));
            batch.flush();
            for (String table : order) {
                loader(batch, table, mode).load(List.of(changes.truncate()));
            }
            loader(batch, "parent", mode).load(List.of(changes.insert(null, "id", 1), changes.insert(null, "id", 3)));
            loader(batch, "child", mode).load(List.of(changes.insert(null, "id", 9, "parent", 3)));
            target.commit(batch);

            assertThat(target.rows("select id from parent order by id")).containsExactly("1", "3");
            assertThat(target.rows("select * from child")).containsExactly("9|3");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "not deferrable | refers to it; alter table public.child alter constraint",
                "on delete cascade deferrable initially deferred | would change that table's rows too",
                "on delete set null deferrable | would change that table's rows too"
            })
    void a_foreign_key_that_would_not_allow_it_or_would_take_rows_along_is_named(String how, String said)
            throws SQLException {
        refer(how);
        OpenBatch batch = target.open();
        assertThatThrownBy(() -> loader(batch, "parent", RowMode.PLAIN).load(List.of(changes.truncate())))
                .hasMessageContaining("foreign key public.child_parent of table public.child")
                .hasMessageContaining(said)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("55000");
        target.rollback(batch);
        assertThat(target.rows("select count(*) from child")).containsExactly("2");
    }

    @Test
    void rows_that_stay_behind_fail_the_batch() throws SQLException {
        refer("deferrable initially deferred");
        OpenBatch batch = target.open();
        loader(batch, "parent", RowMode.PLAIN).load(List.of(changes.truncate()));
        assertThatThrownBy(() -> target.commit(batch)).hasMessageContaining("child_parent");
        target.rollback(batch);
    }
}
